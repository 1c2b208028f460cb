// The InferenceService as data: https://kserve.github.io/website/docs/reference/crd-api, PodSpec as Kubernetes has it. Pods
// run without rights, on a root that nobody writes to. Rights are set on the container, not on the pod: Knative, through
// which KServe may deploy, takes only those.

/** What an InferenceService says. Everything in it was checked. */
export interface ServiceFacts {
  readonly name: string;
  readonly server: 'graft' | 'triton';
  readonly image?: string;
  readonly storageUri?: string;
  readonly namespace?: string;
  readonly keysSecret?: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly cpu: string;
  readonly memory: string;
  /** Of the bundle. */
  readonly sha256: string;
}

const port = 8080;

/** The object that becomes YAML. */
export function inferenceService(facts: ServiceFacts): Record<string, unknown> {
  const { name, namespace, server, minReplicas, maxReplicas, sha256 } = facts;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      annotations: { 'onnx-graft/bundle-sha256': sha256 },
    },
    spec: {
      predictor: {
        minReplicas,
        maxReplicas,
        ...(server === 'triton' ? { model: tritonModel(facts) } : graftPod(facts)),
      },
    },
  };
}

function tritonModel(facts: ServiceFacts): Record<string, unknown> {
  return {
    modelFormat: { name: 'triton' },
    runtime: 'kserve-tritonserver',
    protocolVersion: 'v2',
    storageUri: facts.storageUri,
    resources: resourcesOf(facts),
  };
}

function graftPod(facts: ServiceFacts): Record<string, unknown> {
  const { name, image, storageUri, keysSecret } = facts;
  // KServe fetches what STORAGE_URI names to /mnt/models before the container starts
  const model = storageUri === undefined ? `/models/${name}` : '/mnt/models';
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [
      {
        name: 'kserve-container',
        image,
        // behind the image's own `graft serve --host 0.0.0.0`
        args: [`${name}=${model}`, '--port', String(port), ...(keysSecret === undefined ? ['--insecure-no-auth'] : [])],
        env: [
          { name: 'PROTOCOL', value: 'v2' },
          ...(storageUri === undefined ? [] : [{ name: 'STORAGE_URI', value: storageUri }]),
        ],
        ...(keysSecret === undefined ? {} : { envFrom: [{ secretRef: { name: keysSecret } }] }),
        ports: [{ name: 'http1', containerPort: port, protocol: 'TCP' }],
        readinessProbe: probe('/v2/health/ready', 3),
        livenessProbe: { ...probe('/v2/health/live', 6), initialDelaySeconds: 10 },
        resources: resourcesOf(facts),
        securityContext: {
          runAsNonRoot: true,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
        volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
      },
    ],
    volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } }],
  };
}

const probe = (path: string, failureThreshold: number) => ({
  httpGet: { path, port, scheme: 'HTTP' },
  periodSeconds: 5,
  timeoutSeconds: 5,
  failureThreshold,
});

function resourcesOf({ cpu, memory }: ServiceFacts): Record<string, unknown> {
  return { requests: { cpu, memory }, limits: { cpu, memory } };
}
