import type { KubeObject } from '../../../sim/kube/object.ts';
import type { World } from './world.ts';

/** Where the API server has the kinds that tests write. */
const KINDS = {
  EIP: { plural: 'eips', apiVersion: 'aws.k8s.logmein.com/v1alpha1', namespaced: true },
  ENI: { plural: 'enis', apiVersion: 'aws.k8s.logmein.com/v1alpha1', namespaced: true },
  Eip: { plural: 'eips', apiVersion: 'materialize.cloud/v2', namespaced: true },
  FloatingIP: { plural: 'floatingips', apiVersion: 'eni-agent.io/v1alpha1', namespaced: false },
  NodeENI: { plural: 'nodeenis', apiVersion: 'eni-agent.io/v1alpha1', namespaced: false },
  Pod: { plural: 'pods', apiVersion: 'v1', namespaced: true },
  Node: { plural: 'nodes', apiVersion: 'v1', namespaced: false },
  Namespace: { plural: 'namespaces', apiVersion: 'v1', namespaced: false },
  CustomResourceDefinition: {
    plural: 'customresourcedefinitions',
    apiVersion: 'apiextensions.k8s.io/v1',
    namespaced: false,
  },
} as const;

export interface ObjectRef {
  readonly kind: keyof typeof KINDS;
  readonly name: string;
  /** @default 'default' where the kind has namespaces */
  readonly namespace?: string;
}

/** An object as it came over the wire; the tests look into it freely. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Wire = any;

/** `more` is whatever else the manifest has, a forged status for one; its metadata are added to the name. */
export function createObject(world: World, ref: ObjectRef, spec: object = {}, more: Wire = {}): Wire {
  const { apiVersion } = KINDS[ref.kind];
  const metadata = { ...more.metadata, name: ref.name };
  const manifest = { apiVersion, kind: ref.kind, spec, ...more, metadata };
  return world.kubeState.api.create(resourceOf(world, ref), namespaceOf(ref), manifest);
}

/** A merge patch, as `kubectl patch --type merge` sends it. */
export function patchObject(world: World, ref: ObjectRef, patch: Wire, sub: 'main' | 'status' = 'main'): void {
  world.kubeState.api.patch(resourceOf(world, ref), sub, namespaceOf(ref), ref.name, { format: 'merge', patch });
}

export function deleteObject(world: World, ref: ObjectRef): void {
  world.kubeState.api.delete(resourceOf(world, ref), namespaceOf(ref), ref.name);
}

/** @throws {ApiError} when there is none, and {@link Error} when its kind is not defined. */
function getObject(world: World, ref: ObjectRef): Wire {
  return world.kubeState.api.get(resourceOf(world, ref), namespaceOf(ref), ref.name);
}

/** The objects of a kind in every namespace, as they are now. */
export function listObjects(world: World, kind: ObjectRef['kind']): KubeObject[] {
  const { plural, apiVersion } = KINDS[kind];
  return world.objects(plural, apiVersion);
}

/** Undefined: there is none, or its kind is not defined any more. */
export function findObject(world: World, ref: ObjectRef): Wire {
  const { plural, apiVersion } = KINDS[ref.kind];
  const { registry, store } = world.kubeState;
  const resource = registry.find(apiVersion, plural);
  const exists = resource !== undefined && store.get(resource.storage, namespaceOf(ref), ref.name) !== undefined;
  return exists ? getObject(world, ref) : undefined;
}

function resourceOf(world: World, { kind }: ObjectRef) {
  const { plural, apiVersion } = KINDS[kind];
  return world.resource(plural, apiVersion);
}

function namespaceOf({ kind, namespace = 'default' }: ObjectRef): string | undefined {
  return KINDS[kind].namespaced ? namespace : undefined;
}
