import { parseAllDocuments } from 'yaml';
import { contentOf, filesIn } from '../architecture/source-tree.ts';

/** A Kubernetes object of a manifest, as far as these tests look at it. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Record<string, string>;
  };
  readonly rules?: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[];
  readonly spec?: {
    readonly config?: string;
    readonly template?: {
      readonly metadata?: { readonly annotations?: Record<string, string>; readonly labels?: Record<string, string> };
      readonly spec: PodSpec;
    };
  };
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly name: string }[];
  readonly affinity?: unknown;
  readonly hostNetwork?: boolean;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly drop?: string[]; readonly add?: string[] };
  };
}

/** All objects of the YAML files below a folder, each with its file; not Helm's templates. @throws {Error} for text that is not YAML. */
export function manifestsIn(folder: string): readonly { readonly file: string; readonly manifest: Manifest }[] {
  const files = filesIn(folder, '.yaml').filter((file) => !file.startsWith('daemonset/chart/'));
  return files.flatMap((file) =>
    parseAllDocuments(contentOf(file)).map((document) => {
      const [fault] = document.errors;
      if (fault !== undefined) throw new Error(`${file}: ${fault.message}`);
      return { file, manifest: document.toJS() as Manifest };
    }),
  );
}

/** All containers that run our image, with the file they stand in. */
export function ownContainers(folder: string): readonly { readonly file: string; readonly container: Container }[] {
  return manifestsIn(folder).flatMap(({ file, manifest }) => {
    const spec = manifest.spec?.template?.spec;
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    return containers
      .filter(({ image }) => image?.split(':')[0] === 'eni-agent')
      .map((container) => ({ file, container }));
  });
}
