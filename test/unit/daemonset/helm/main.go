// Renders a chart as Helm's engine does: Go's text/template with Sprig and the functions that Helm adds, and the same library that Helm
// checks values against values.schema.json with. From standard input a JSON object, to standard output another.
// Built with Debian's packages only: GO111MODULE=off GOPATH=/usr/share/gocode go build.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/ghodss/yaml"
	"github.com/xeipuuv/gojsonschema"
)

type files map[string]string

// Get is what a template calls as .Files.Get.
func (all files) Get(name string) string { return all[name] }

type render struct {
	Values    map[string]interface{} `json:"values"`
	Namespace string                 `json:"namespace"`
}

type request struct {
	Templates map[string]string `json:"templates"`
	Files     files             `json:"files"`
	Schema    string            `json:"schema"`
	Version   string            `json:"version"`
	Renders   []render          `json:"renders"`
}

type answer struct {
	Rendered map[string]string `json:"rendered,omitempty"`
	// Why Helm would not install with these values.
	Faults []string `json:"faults"`
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := []answer{}
	for _, one := range asked.Renders {
		answers = append(answers, answerTo(asked, one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		os.Exit(1)
	}
}

func answerTo(asked request, one render) answer {
	faults, err := schemaFaults(asked.Schema, one.Values)
	if err != nil {
		return answer{Faults: []string{err.Error()}}
	}
	if len(faults) > 0 {
		return answer{Faults: faults}
	}
	rendered, err := renderAll(asked, one)
	if err != nil {
		return answer{Faults: []string{err.Error()}}
	}
	return answer{Rendered: rendered, Faults: []string{}}
}

func schemaFaults(schema string, values map[string]interface{}) ([]string, error) {
	result, err := gojsonschema.Validate(gojsonschema.NewStringLoader(schema), gojsonschema.NewGoLoader(values))
	if err != nil {
		return nil, err
	}
	faults := []string{}
	for _, fault := range result.Errors() {
		faults = append(faults, fault.String())
	}
	return faults, nil
}

func renderAll(asked request, one render) (map[string]string, error) {
	set := template.New("gotpl").Option("missingkey=zero")
	set.Funcs(functions(set))
	for name, text := range asked.Templates {
		if _, err := set.New(name).Parse(text); err != nil {
			return nil, err
		}
	}
	context := map[string]interface{}{
		"Values":  one.Values,
		"Release": map[string]interface{}{"Name": "eni-agent", "Namespace": one.Namespace, "Service": "Helm"},
		"Chart":   map[string]interface{}{"Name": "eni-agent", "AppVersion": asked.Version, "Version": asked.Version},
		"Files":   asked.Files,
	}
	rendered := map[string]string{}
	for name := range asked.Templates {
		var out bytes.Buffer
		if err := set.ExecuteTemplate(&out, name, context); err != nil {
			return nil, err
		}
		// As Helm does.
		rendered[name] = strings.ReplaceAll(out.String(), "<no value>", "")
	}
	return rendered, nil
}

func functions(set *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := set.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	return all
}
