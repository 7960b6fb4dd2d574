import { beforeAll, expect, it } from 'vitest';
import { customResourceDefinition } from './objects.ts';
import type { Bench } from './suite.ts';
import type { WireTable } from './target.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** The names of the columns that are shown without `-o wide`. */
function shown({ columnDefinitions }: WireTable): readonly string[] {
  return columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name);
}

function cellsOf({ columnDefinitions, rows }: WireTable, name: string): Readonly<Record<string, string>> {
  const row = rows.find(({ object }) => object.metadata.name === name);
  return Object.fromEntries(columnDefinitions.map((column, index) => [column.name, String(row?.cells[index])]));
}

export function describeTables({ wires, core, group }: Bench): void {
  const gadgets = `${group('tables.example/v1')}/gadgets`;

  beforeAll(async () => {
    const resource = { group: 'tables.example', plural: 'gadgets', kind: 'Gadget', versions: { v1: true } };
    const definition = customResourceDefinition(resource) as { spec: { versions: object[] } };
    for (const version of definition.spec.versions) {
      Object.assign(version, {
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'First', type: 'string', jsonPath: '.spec.list[0]', priority: 1 },
          { name: 'Gone', type: 'string', jsonPath: '.spec.nothing' },
        ],
      });
    }
    await wires.post(definitions, definition);
    await wires.until(gadgets, 200);
  });

  it('a list of pods has the columns of kubectl get pods', async () => {
    await wires.post(`${core}/pods`, {
      metadata: { name: 'shown' },
      spec: {
        containers: [
          { name: 'a', image: 'a' },
          { name: 'b', image: 'b' },
        ],
      },
    });
    const table = await wires.table(`${core}/pods`);

    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(shown(table)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age']);
    expect(cellsOf(table, 'shown')).toMatchObject({ Name: 'shown', Ready: '0/2', Status: 'Pending', Restarts: '0' });
  });

  it('one object is a table of one row, with its metadata and nothing else of it', async () => {
    await wires.post(`${core}/pods`, { metadata: { name: 'one' }, spec: { containers: [{ name: 'a', image: 'a' }] } });
    const { rows } = await wires.table(`${core}/pods/one`);

    expect(rows).toHaveLength(1);
    expect(rows[0]?.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'one' } });
    expect(rows[0]?.object.spec).toBeUndefined();
  });

  it.each([
    ['namespaces', '/api/v1/namespaces', ['Name', 'Status', 'Age']],
    ['nodes', '/api/v1/nodes', ['Name', 'Status', 'Roles', 'Age', 'Version']],
    ['events', '/api/v1/events', ['Last Seen', 'Type', 'Reason', 'Object', 'Message']],
    ['deployments', '/apis/apps/v1/deployments', ['Name', 'Ready', 'Up-to-date', 'Available', 'Age']],
    ['leases', '/apis/coordination.k8s.io/v1/leases', ['Name', 'Holder', 'Age']],
    ['config maps', '/api/v1/configmaps', ['Name', 'Data', 'Age']],
  ])('%s have the columns of kubectl get', async (_name, path, columns) => {
    expect(shown(await wires.table(path))).toEqual(columns);
  });

  it('a custom resource has the columns of its definition', async () => {
    await wires.post(gadgets, {
      apiVersion: 'tables.example/v1',
      kind: 'Gadget',
      metadata: { name: 'g' },
      spec: { size: 7, list: ['x', 'y'] },
    });
    await wires.merge(`${gadgets}/g/status`, {
      status: {
        conditions: [
          { type: 'Other', status: 'False' },
          { type: 'Ready', status: 'True' },
        ],
      },
    });
    const table = await wires.table(gadgets);

    expect(shown(table)).toEqual(['Name', 'Size', 'Ready', 'Gone']);
    expect(cellsOf(table, 'g')).toMatchObject({ Size: '7', Ready: 'True', First: 'x' });
  });
}
