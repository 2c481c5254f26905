/** The manifests: checked against the schemas of Kubernetes, against each other, and against the code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHandler } from 'fleet-q/http';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { optionsFromEnv } from '../../src/options/env.js';
import { describeOnTestBed } from '../support/warehouse/suite.js';
import { execForm, readDockerfile, variablesOf } from './support/dockerfile.js';
import { pythonTool } from './support/python-tool.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const folder = path.join(project, 'deploy/kubernetes');
const TOOL_MS = 300_000;

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll(path.sep, '/'))
  .filter((file) => file.endsWith('.yaml'))
  .toSorted();

// Kubernetes reads YAML 1.1, in which 0440 is octal.
function read(file: string): any {
  const documents = parseAllDocuments(readFileSync(path.join(folder, file), 'utf8'), { version: '1.1' });
  expect(documents).toHaveLength(1);
  expect((documents as any)[0].errors).toEqual([]);
  return (documents as any)[0].toJS();
}

const manifests = new Map(files.map((file) => [file, read(file)]));
const named = (kind: string): any => [...manifests.values()].find((manifest) => manifest.kind === kind);
const kustomization = read('kustomization.yaml');
const deployment = named('Deployment');
const pod = deployment.spec.template.spec;
const container = pod.containers[0];
const config: Record<string, string> = Object.fromEntries(
  kustomization.configMapGenerator[0].literals.map((literal: string) => literal.split(/=(.*)/s).slice(0, 2)),
);
const labels = { 'app.kubernetes.io/name': 'fleet-q', 'app.kubernetes.io/component': 'worker' };
const image = readDockerfile(readFileSync(path.join(project, 'deploy/Dockerfile'), 'utf8')).stages.at(-1)!;

/** Kinds that Kubernetes itself has no schema of. */
const FOREIGN = ['Kustomization', 'Component', 'ServiceMonitor', 'ScaledObject', 'TriggerAuthentication'];

describeOnTestBed('the schemas of Kubernetes', () => {
  const native = files.filter((file) => !FOREIGN.includes(manifests.get(file).kind));

  test('accept every manifest, with no field that they do not know', { timeout: TOOL_MS }, async () => {
    expect(native.length).toBeGreaterThan(6);
    const paths = native.map((file) => path.join(folder, file));
    const { code, output } = await pythonTool('-m kubernetes_validate', ['--strict', ...paths]);
    expect(code, output).toBe(0);
    expect(output.match(/passed for resource/g)).toHaveLength(native.length);
  });
});

describe('the kustomization', () => {
  test('has every manifest, except the example of a secret', () => {
    const components = ['prometheus', 'keda', 'network-policy'];
    const inComponents = components.flatMap((name) =>
      (read(`${name}/kustomization.yaml`).resources as string[]).map((file) => `${name}/${file}`),
    );
    const all = [...kustomization.resources, ...inComponents];
    expect(all.filter((file) => !existsSync(path.join(folder, file)))).toEqual([]);
    const left = files.filter((file) => !all.includes(file) && !file.endsWith('kustomization.yaml'));
    expect(left).toEqual(['secret.example.yaml']);
    const text = readFileSync(path.join(folder, 'kustomization.yaml'), 'utf8');
    expect(components.filter((name) => !text.includes(`#   - ${name}`))).toEqual([]);
  });

  test('names the image and the ConfigMap that the Deployment has', () => {
    expect(kustomization.images.map(({ name }: { name: string }) => name)).toEqual([container.image]);
    expect(kustomization.configMapGenerator.map(({ name }: { name: string }) => name)).toEqual([
      container.envFrom[0].configMapRef.name,
    ]);
    expect(kustomization.namespace).toBe(named('Namespace').metadata.name);
  });
});

describe('the variables', () => {
  const set = [...Object.keys(config), ...container.env.map(({ name }: { name: string }) => name)];

  test('are variables that the code reads', () => {
    const sources = readdirSync(path.join(project, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(path.join(project, 'src', file), 'utf8'))
      .join('\n');
    const read = new Set([...sources.matchAll(/FLEET_Q_[A-Z_]*[A-Z]/g)].map(([name]) => name));
    expect(set.filter((name) => !read.has(name) && name !== 'HOME')).toEqual([]);
    expect(new Set(set).size).toBe(set.length);
  });

  test('have values that the code accepts', () => {
    expect(optionsFromEnv(config)).toMatchObject({ concurrency: 8, drainTimeoutMs: 25_000, abortGraceMs: 5_000 });
    expect(() => FleetQ.fromEnv({}, config)).not.toThrow();
  });

  test('come from the Secret if they are secret, and from keys that its example has', () => {
    const example = named('Secret');
    const refs = container.env.flatMap((variable: any) => variable.valueFrom?.secretKeyRef ?? []);
    expect(refs.map(({ key }: { key: string }) => key)).toEqual(['api-token', 'snowflake-key-passphrase']);
    const mounted = pod.volumes.flatMap((volume: any) => volume.secret ?? []);
    const names = [...refs.map(({ name }: any) => name), ...mounted.map(({ secretName }: any) => secretName)];
    expect(new Set(names)).toEqual(new Set([example.metadata.name]));
    const keys = [...refs, ...mounted.flatMap(({ items }: any) => items)].map(({ key }: { key: string }) => key);
    expect(keys.filter((key) => !(key in example.stringData))).toEqual([]);
    expect(set.filter((name) => /PASSWORD|TOKEN|PASS$/.test(name) && name in config)).toEqual([]);
  });

  test('name the file of the key where it is mounted', () => {
    const { mountPath } = container.volumeMounts.find(({ name }: any) => name === 'snowflake-key');
    const { items } = pod.volumes.find(({ name }: any) => name === 'snowflake-key').secret;
    expect(config['FLEET_Q_SNOWFLAKE_PRIVATE_KEY_PATH']).toBe(`${mountPath}/${items[0].path}`);
  });
});

describe('the Deployment', () => {
  test('gives the pod more time to end than the pod may need', () => {
    const { drainTimeoutMs = 0, abortGraceMs = 0 } = optionsFromEnv(config);
    const preStop = Number(container.lifecycle.preStop.sleep.seconds);
    const closing = 6; // docs/stopping.md: handing in, listeners and sessions
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(
      preStop + (drainTimeoutMs + abortGraceMs) / 1_000 + closing,
    );
    const text = readFileSync(path.join(folder, 'deployment.yaml'), 'utf8');
    expect(text).toContain(`preStop (${preStop}) + FLEET_Q_DRAIN_TIMEOUT_SECONDS (${drainTimeoutMs / 1_000})`);
  });

  test('probes routes that exist, at the port where the image listens', async () => {
    await using queue = new FleetQ({ store: sqlite({ path: ':memory:' }) });
    const handler = createHandler(queue);
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    expect(probes.map(({ httpGet }) => httpGet.path)).toEqual(['/startupz', '/livez', '/readyz']);
    for (const { httpGet } of probes) {
      expect(httpGet.port).toBe(container.ports[0].name);
      expect((await handler(new Request(`http://pod${httpGet.path}`))).status).not.toBe(404);
    }
    expect(String(container.ports[0].containerPort)).toBe(variablesOf(image)['FLEET_Q_API_PORT']);
  });

  test('runs the command of the image, on a file that the image has', () => {
    expect(container.args).toEqual(execForm(image, 'CMD'));
    expect(container.command).toBeUndefined();
  });

  test('keeps every slot during a rolling update, and is as restricted as its namespace demands', () => {
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    const { spec, metadata } = deployment.spec.template;
    expect(metadata.labels).toEqual(labels);
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.enableServiceLinks).toBe(false); // a Service `fleet-q-api` would set FLEET_Q_API_PORT
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    });
    const users = image.lines.filter(({ keyword }) => keyword === 'USER').map(({ text }) => text);
    expect(users).toEqual([`${spec.securityContext.runAsUser}:${spec.securityContext.runAsGroup}`]);
  });

  test('is what every selector selects', () => {
    expect(deployment.spec.selector.matchLabels).toEqual(labels);
    expect(named('Service').spec.selector).toEqual(labels);
    expect(named('Service').metadata.labels).toEqual(labels);
    expect(named('ServiceMonitor').spec.selector.matchLabels).toEqual(labels);
    expect(named('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    expect(named('NetworkPolicy').spec.podSelector.matchLabels).toEqual(labels);
    for (const { labelSelector } of pod.topologySpreadConstraints) expect(labelSelector.matchLabels).toEqual(labels);
    expect(pod.serviceAccountName).toBe(named('ServiceAccount').metadata.name);
    expect(named('ServiceAccount').automountServiceAccountToken).toBe(false);
    expect(named('ScaledObject').spec.scaleTargetRef.name).toBe(deployment.metadata.name);
  });
});

describe('what other operators read', () => {
  test('the ServiceMonitor scrapes the port and the path of the metrics, with the token', () => {
    const { apiVersion, spec } = named('ServiceMonitor');
    expect(apiVersion).toBe('monitoring.coreos.com/v1');
    expect(spec.endpoints).toEqual([
      expect.objectContaining({
        port: named('Service').spec.ports[0].name,
        path: '/metrics',
        authorization: { type: 'Bearer', credentials: { name: 'fleet-q', key: 'api-token' } },
      }),
    ]);
  });

  test('the ScaledObject asks the service for counts that /api/stats has, with the token', async () => {
    await using queue = new FleetQ({ store: sqlite({ path: ':memory:' }) });
    await queue.connect();
    const token = 'a-token-of-32-characters-or-more';
    const handler = createHandler(queue, { auth: token });
    const { apiVersion, spec } = named('ScaledObject');
    expect(apiVersion).toBe('keda.sh/v1alpha1');
    expect(spec.triggers).toHaveLength(2);
    expect(spec.minReplicaCount).toBeGreaterThan(0);
    const authentication = named('TriggerAuthentication');
    for (const { type, metadata, authenticationRef, metricType } of spec.triggers) {
      expect({ type, metricType, authMode: metadata.authMode }).toEqual({
        ...{ type: 'metrics-api', metricType: 'AverageValue', authMode: 'bearer' },
      });
      expect(Number(metadata.targetValue)).toBeGreaterThan(0);
      expect(authenticationRef.name).toBe(authentication.metadata.name);
      const url = new URL(metadata.url);
      const { metadata: service, spec: ports } = named('Service');
      expect(url.host).toBe(`${service.name}.${kustomization.namespace}.svc.cluster.local:${ports.ports[0].port}`);
      const answer = await handler(
        new Request(`http://127.0.0.1${url.pathname}`, { headers: { authorization: `Bearer ${token}` } }),
      );
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as any)[metadata.valueLocation]).toBe(0);
    }
    expect(authentication.spec.secretTargetRef).toEqual([{ parameter: 'token', name: 'fleet-q', key: 'api-token' }]);
  });
});
