// The InferenceService, read back: its form is that of KServe's v1beta1 API (pkg/apis/serving/v1beta1: InferenceServiceSpec,
// PredictorSpec, ModelSpec, ComponentExtensionSpec, the names that its webhook takes) and of Kubernetes' Container.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { exportKserve, type ExportKserveOptions } from '../../src/workflows/export-kserve.js';
import { codeOf } from '../code-of.js';
import { writeExportBundle } from './export-bundles.js';
import { readModelConfig } from './triton-model-config.js';

const scratch = mkdtempSync(join(tmpdir(), 'graft-export-'));
test.after.always(() => rmSync(scratch, { recursive: true }));
const bundle = join(scratch, 'Ants_and.Bees 2', 'bundle');
test.before(() => writeExportBundle(bundle));

const strict = (properties: object, ...required: string[]) => ({ type: 'object', additionalProperties: false, properties, required }); // prettier-ignore
const text = { type: 'string', minLength: 1 };
const whole = { type: 'integer', minimum: 0 };
const quantity = { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(m|[kMGTPE]i?)?$' };
const list = (items: object) => ({ type: 'array', items, minItems: 1 });
const resource = strict({ cpu: quantity, memory: quantity });
const resources = strict({ requests: resource, limits: resource });
const port = { type: 'integer', minimum: 1, maximum: 65535 };
const probe = strict(
  {
    httpGet: strict({ path: { type: 'string', pattern: '^/' }, port, scheme: { enum: ['HTTP', 'HTTPS'] } }, 'port'),
    ...Object.fromEntries(['initialDelaySeconds', 'periodSeconds', 'timeoutSeconds', 'failureThreshold'].map(key => [key, whole])), // prettier-ignore
  },
  'httpGet',
);
const container = strict(
  {
    name: text,
    image: text,
    args: list({ type: 'string' }),
    env: list(strict({ name: text, value: { type: 'string' } }, 'name')),
    envFrom: list(strict({ secretRef: strict({ name: text }, 'name') })),
    ports: list(
      strict({ name: text, containerPort: port, protocol: { enum: ['TCP', 'UDP', 'SCTP'] } }, 'containerPort'),
    ),
    readinessProbe: probe,
    livenessProbe: probe,
    resources,
    securityContext: strict({
      runAsNonRoot: { const: true },
      readOnlyRootFilesystem: { const: true },
      allowPrivilegeEscalation: { const: false },
      capabilities: strict({ drop: { const: ['ALL'] } }),
      seccompProfile: strict({ type: { const: 'RuntimeDefault' } }, 'type'),
    }),
    volumeMounts: list(strict({ name: text, mountPath: text }, 'name', 'mountPath')),
  },
  'name',
);
const predictor = {
  ...strict({
    minReplicas: whole,
    maxReplicas: whole,
    automountServiceAccountToken: { type: 'boolean' },
    enableServiceLinks: { type: 'boolean' },
    containers: list(container),
    volumes: list(strict({ name: text, emptyDir: strict({ sizeLimit: quantity }) }, 'name')),
    model: strict(
      { modelFormat: strict({ name: text, version: text }, 'name'), runtime: text, protocolVersion: text, storageUri: text, resources }, // prettier-ignore
      'modelFormat',
    ),
  }),
  oneOf: [{ required: ['model'] }, { required: ['containers'] }],
};
const matches = new Ajv({ strictRequired: false, allErrors: true }).compile(
  strict(
    {
      apiVersion: { const: 'serving.kserve.io/v1beta1' },
      kind: { const: 'InferenceService' },
      metadata: strict(
        {
          name: { type: 'string', pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$' },
          namespace: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
          annotations: { type: 'object', additionalProperties: { type: 'string' } },
        },
        'name',
      ),
      spec: strict({ predictor }, 'predictor'),
    },
    'apiVersion',
    'kind',
    'metadata',
    'spec',
  ),
);

let turn = 0;
async function serviceOf(options: Omit<ExportKserveOptions, 'out'>) {
  const out = join(scratch, `out-${turn++}`);
  const result = await exportKserve(bundle, { out, ...options });
  const yaml = readFileSync(join(out, 'inference-service.yaml'), 'utf8');
  // Kubernetes reads YAML 1.1, where no and on are booleans; whoever reads it, it must say the same
  const service = parse(yaml, { version: '1.1' }) as { metadata: Record<string, unknown>; spec: { predictor: { containers: Record<string, unknown>[] } } }; // prettier-ignore
  return { out, result, service, same: parse(yaml, { version: '1.2' }) as unknown };
}

test('graft in a pod: the image serves its bundle, without rights', async t => {
  const { result, service, same } = await serviceOf({ image: 'registry.example:5000/ants:1' });
  t.true(matches(service), JSON.stringify(matches.errors));
  t.deepEqual(service, same);
  t.deepEqual(result.files, ['README.md', 'inference-service.yaml']);
  t.is(service.metadata['name'], 'ants-and-bees-2');
  t.like(service.spec.predictor, { minReplicas: 1, maxReplicas: 3 });
  t.like(service.spec.predictor.containers[0], {
    name: 'kserve-container',
    image: 'registry.example:5000/ants:1',
    args: ['ants-and-bees-2=/models/ants-and-bees-2', '--port', '8080', '--insecure-no-auth'],
    env: [{ name: 'PROTOCOL', value: 'v2' }],
    readinessProbe: { httpGet: { path: '/v2/health/ready', port: 8080 } },
    livenessProbe: { httpGet: { path: '/v2/health/live', port: 8080 } },
    resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '1', memory: '2Gi' } },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  });
});

test('with a model that KServe fetches, keys of a secret, and names that YAML would misread', async t => {
  const { service, same } = await serviceOf({
    name: 'no',
    image: `ants@sha256:${'0'.repeat(64)}`,
    storageUri: "s3://models/it's#1:{ants}",
    namespace: '1e3',
    keysSecret: 'on',
    minReplicas: 0,
    maxReplicas: 9,
    cpu: '0.5',
    memory: '512Mi',
  });
  t.true(matches(service), JSON.stringify(matches.errors));
  t.deepEqual(service, same);
  t.like(service.metadata, { name: 'no', namespace: '1e3' });
  t.like(service.spec.predictor.containers[0], {
    args: ['no=/mnt/models', '--port', '8080'],
    env: [{ name: 'PROTOCOL' }, { name: 'STORAGE_URI', value: "s3://models/it's#1:{ants}" }],
    envFrom: [{ secretRef: { name: 'on' } }],
    resources: { limits: { cpu: '0.5', memory: '512Mi' } },
  });
});

test('Triton in a pod: the repository is written beside', async t => {
  const { out, result, service } = await serviceOf({ server: 'triton', storageUri: 'pvc://models/ants', name: 'ants' });
  t.true(matches(service), JSON.stringify(matches.errors));
  t.like(service.spec.predictor, {
    model: { modelFormat: { name: 'triton' }, runtime: 'kserve-tritonserver', protocolVersion: 'v2', storageUri: 'pvc://models/ants' }, // prettier-ignore
  });
  t.true(result.files.includes('repository/ants/1/model.onnx'));
  t.like(readModelConfig(readFileSync(join(out, 'repository/ants/config.pbtxt'), 'utf8')), { name: 'ants' });
});

test('what Kubernetes or KServe would refuse is refused here, before anything is written', async t => {
  const out = join(scratch, 'refused');
  const image = 'ants:1';
  for (const options of [
    {},
    { image: 'Ants:1' },
    { image: 'a b' },
    { image: '' },
    { image, name: '2ants' },
    { image, name: 'Ants' },
    { image, name: 'a'.repeat(41) },
    { image, name: 'a.b' },
    { image, name: 'a-' },
    { image, namespace: 'a_b' },
    { image, namespace: '' },
    { image, minReplicas: 4, maxReplicas: 3 },
    { image, minReplicas: -1 },
    { image, maxReplicas: 0 },
    { image, cpu: '0' },
    { image, cpu: '1 ' },
    { image, cpu: '0.0001' },
    { image, cpu: '-1' },
    { image, memory: '2gb' },
    { image, memory: '0' },
    { image, storageUri: '/models' },
    { image, storageUri: 's3://a\nb' },
    { image, keysSecret: 'a/b' },
    { server: 'triton' as const },
    { server: 'triton' as const, storageUri: 's3://a', image },
  ])
    // prettier-ignore
    t.is(await codeOf(exportKserve(bundle, { out, ...options })), 'EXPORT_OPTION', JSON.stringify(options));
  t.false(existsSync(out));
  await exportKserve(bundle, { out, image });
  t.is(await codeOf(exportKserve(bundle, { out, image })), 'EXPORT_FOLDER');
  t.is(await codeOf(exportKserve(bundle, { out, image: 'ants:2', force: true })), 'done');
});
