// graft export: a bundle for where people outgrow one machine.

import {
  exportBundle,
  printable,
  type ExportKserveOptions,
  type ExportResult,
  type ExportTargets,
  type ExportTritonOptions,
} from '../../index.js';
import type { Command, FlagsOf } from '../command.js';

const flags = {
  out: { type: 'string', value: 'folder', help: 'the folder that is written (default: export-TARGET)' },
  name: { type: 'string', help: 'what the model is called there (default: as its folder is)' },
  force: { type: 'boolean', help: 'replace files of the same names' },
} satisfies FlagsOf<ExportTritonOptions>;

const tritonFlags = {
  maxBatch: { type: 'integer', value: 'pictures', help: 'triton: most pictures of a run (default: 32)' },
  preferredBatch: {
    type: 'numbers',
    value: 'pictures',
    help: 'triton: sizes at which a batch runs at once (default: a quarter of the most, and the most)',
  },
  queueDelay: {
    type: 'integer',
    value: 'µs',
    help: 'triton: how long a request waits for others to run with (default: 2000)',
  },
  instances: { type: 'integer', help: 'triton: copies of the model, on each GPU or on the CPU (default: 1)' },
  gpu: { type: 'boolean', help: 'triton: run on GPUs' },
} satisfies FlagsOf<ExportTritonOptions>;

const kserveFlags = {
  server: { type: 'choice', choices: ['graft', 'triton'], help: 'kserve: what answers (default: graft)' },
  image: { type: 'string', help: 'kserve: the image that graft export docker describes' },
  storageUri: {
    type: 'string',
    value: 'address',
    help: 'kserve: where the bundle, or the repository for triton, is fetched from (default: it is in the image)',
  },
  namespace: { type: 'string', help: 'kserve: the namespace (default: of whoever applies it)' },
  minReplicas: { type: 'integer', value: 'pods', help: 'kserve: fewest pods (default: 1)' },
  maxReplicas: { type: 'integer', value: 'pods', help: 'kserve: most pods (default: 3)' },
  cpu: { type: 'string', value: 'processors', help: 'kserve: of a pod, such as 2 or 500m (default: 1)' },
  memory: { type: 'string', value: 'bytes', help: 'kserve: of a pod, such as 512Mi (default: 2Gi)' },
  keysSecret: { type: 'string', value: 'name', help: 'kserve: a Secret with GRAFT_API_KEYS (default: no keys)' },
} satisfies FlagsOf<ExportKserveOptions>;

/** A path as a shell takes it. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** The commands to go on with. */
const next: Readonly<Record<ExportResult['target'], (folder: string) => readonly string[]>> = {
  triton: folder => [`tritonserver --model-repository ${quoted(folder)}`],
  kserve: folder => [`kubectl apply -f ${quoted(`${folder}/inference-service.yaml`)}`],
  docker: folder => [`docker build -t my-model ${quoted(folder)}`],
  ray: folder => [
    `pip install -r ${quoted(`${folder}/requirements.txt`)}`,
    `python ${quoted(`${folder}/predict.py`)} --images pictures/ --out labels`,
  ],
};

export const exportCommand: Command = {
  name: 'export',
  summary: 'write a bundle for Triton, KServe, Docker or Ray',
  description:
    'Writes a bundle for where one machine is not enough: triton, a model of a Triton repository; kserve, an InferenceService; docker, an image that serves it without rights; ray, a Python script that predicts over millions of pictures. Each folder has a README.md that says how to go on; docs/scale.md says which is for which need.',
  arguments: [
    { name: '<target>', help: 'triton, kserve, docker or ray' },
    { name: '<bundle>', help: "a bundle's folder, or the run around it" },
  ],
  flags: { ...flags, ...tritonFlags, ...kserveFlags },
  examples: [
    'graft export triton run/bundle --out repository --max-batch 16',
    'graft export docker run/bundle --out docker',
    'graft export kserve run/bundle --image registry.example/ants:1 --keys-secret ants-keys',
    'graft export ray run/bundle --out ray',
  ],
  async run({ args, flags: given, output }) {
    const [target, bundle] = args as readonly string[];
    const { json: _j, quiet: _q, out = `export-${target}`, ...own } = given;
    // the target is whatever was typed: exportBundle refuses what is none, and options that it does not have
    const options = { ...own, out } as ExportTargets[keyof ExportTargets];
    const result = await exportBundle(target as keyof ExportTargets, bundle!, options);
    output.data(result);
    for (const file of result.files) output.print(`${output.green('saved')} ${printable(`${result.folder}/${file}`)}`);
    const lines = next[result.target](result.folder).map(line => `\n  ${printable(line)}`);
    output.say(`\nNext, README.md beside them says more:${lines.join('')}`);
    return 0;
  },
};
