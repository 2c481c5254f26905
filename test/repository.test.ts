/**
 * The files that other people and services read: workflows, issue forms, the changelog's settings and the package's
 * metadata.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly 'runs-on'?: string;
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string };
  readonly jobs?: Readonly<Record<string, Job>>;
}
interface Field {
  readonly type: string;
  readonly id?: string;
  readonly attributes?: { readonly label?: string; readonly options?: readonly string[] };
}
interface Form {
  readonly name?: string;
  readonly description?: string;
  readonly body?: readonly Field[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const text = (file: string): string => readFileSync(`${root}${file}`, 'utf8');
const yaml = (file: string): unknown => parse(text(file), { strict: true, uniqueKeys: true });
const scripts = (JSON.parse(text('package.json')) as { scripts: Record<string, string> }).scripts;

const workflows = readdirSync(`${root}.github/workflows`).map((file) => `.github/workflows/${file}`);
const forms = ['bug', 'feature'].map((name) => `.github/ISSUE_TEMPLATE/${name}.yml`);

describe.each(workflows)('%s', (file) => {
  const workflow = yaml(file) as Workflow;
  const jobs = Object.values(workflow.jobs ?? {});
  const steps = jobs.flatMap((job) => job.steps ?? []);

  test('has only keys that a workflow may have', () => {
    const known = ['name', 'on', 'permissions', 'concurrency', 'jobs'];
    expect(Object.keys(workflow).filter((key) => !known.includes(key))).toEqual([]);
    const ofJobs = ['name', 'if', 'runs-on', 'timeout-minutes', 'strategy', 'permissions', 'steps'];
    expect(jobs.flatMap((job) => Object.keys(job)).filter((key) => !ofJobs.includes(key))).toEqual([]);
    const ofSteps = ['name', 'uses', 'run', 'with', 'env'];
    expect(steps.flatMap((step) => Object.keys(step)).filter((key) => !ofSteps.includes(key))).toEqual([]);
  });

  test('may only read, unless a job says more', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  test('never runs twice at once, nor for ever', () => {
    expect(workflow.concurrency?.group).toBeTruthy();
    expect(jobs.length).toBeGreaterThan(0);
    for (const job of jobs) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  test('pins each action to a major version', () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((action) => !/^[\w-]+\/[\w-]+@v\d+$/.test(action))).toEqual([]);
  });

  test('runs only scripts that exist', () => {
    const commands = steps.flatMap(({ run = '', with: inputs = {} }) => [run, inputs['version'], inputs['publish']]);
    const named = [...commands.join('\n').matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  });
});

test('CI runs every check on each supported Node.js', () => {
  const { jobs = {} } = yaml('.github/workflows/ci.yml') as Workflow;
  expect(jobs['check']?.strategy?.matrix.node).toEqual([20, 22, 24]);
  expect(jobs['check']?.steps?.at(-1)).toEqual({ run: '.ci/run' });
});

test('a release is signed with its provenance', () => {
  const { jobs = {} } = yaml('.github/workflows/release.yml') as Workflow;
  expect(jobs['release']?.permissions?.['id-token']).toBe('write');
  expect(JSON.parse(text('package.json'))).toMatchObject({ publishConfig: { access: 'public', provenance: true } });
});

test('npm run check runs the checks of CI in the same order', () => {
  const steps = [...text('.ci/run').matchAll(/^step '[\w ]+' npm run --silent ([\w:]+)$/gm)].map(([, name]) => name);
  const check = [...(scripts['check'] ?? '').matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name]) => name);
  expect(check).toEqual([...steps.filter((name) => name !== 'build'), 'test']);
});

describe.each(forms)('%s', (file) => {
  const form = yaml(file) as Form;
  const body = form.body ?? [];

  test('has what an issue form must have', () => {
    expect(form.name).toBeTruthy();
    expect(form.description).toBeTruthy();
    expect(body.length).toBeGreaterThan(0);
    for (const field of body) {
      expect(['textarea', 'input', 'dropdown', 'checkboxes']).toContain(field.type);
      expect(field.attributes?.label, field.id).toBeTruthy();
      if (field.type === 'dropdown') expect(field.attributes?.options?.length, field.id).toBeGreaterThan(1);
    }
  });

  test('has a name for each field, and none twice', () => {
    const ids = body.map((field) => field.id);
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('the form for bugs asks for the versions of Node.js, the library, the driver and the store', () => {
  const form = text('.github/ISSUE_TEMPLATE/bug.yml');
  for (const word of ['node --version', 'fleet-q', 'better-sqlite3', 'snowflake-sdk']) expect(form).toContain(word);
  expect((yaml('.github/ISSUE_TEMPLATE/bug.yml') as Form).body?.map(({ id }) => id)).toContain('store');
});

test('the template of a pull request has five lines', () => {
  expect(text('.github/pull_request_template.md').trimEnd().split('\n')).toHaveLength(5);
});

test('a changeset can be written down', () => {
  const { changelog, baseBranch } = JSON.parse(text('.changeset/config.json')) as Record<string, string>;
  expect(changelog).toBe('@changesets/cli/changelog');
  expect(baseBranch).toBe('main');
});

test.each(['CONTRIBUTING.md', 'SECURITY.md'])('%s links only to files that exist', (file) => {
  const links = [...text(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !existsSync(`${root}${link}`))).toEqual([]);
});
