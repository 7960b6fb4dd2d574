{{- /* The image: `image` is one text (as in aws-pod-eip-controller), or its parts. A digest wins over a tag. */ -}}
{{- define "eni-agent.image" -}}
{{- if kindIs "string" .Values.image }}{{ .Values.image }}
{{- else if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "eni-agent.pullPolicy" -}}
{{- if not (kindIs "string" .Values.image) }}{{ .Values.image.pullPolicy }}{{ end -}}
{{- end -}}

{{- /* A map of options as environment variables: release-delay becomes ENI_AGENT_RELEASE_DELAY; lists become comma-separated. */ -}}
{{- define "eni-agent.options" -}}
{{- range $flag, $value := . }}
- name: {{ printf "ENI_AGENT_%s" ($flag | upper | replace "-" "_") }}
  value: {{ if kindIs "slice" $value }}{{ join "," $value | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end -}}
