// graft export ray: a folder with a script that predicts over millions of pictures, on one machine or on many, with Ray Data,
// Pillow and onnxruntime. Layout: <out>/{predict.py, model.onnx, recipe.json, requirements.txt, README.md}.
// The script is the same for every bundle: what differs is in recipe.json, so that nothing has to be quoted for Python.

import { sha256 } from '../base/node.js';
import { rayDecode } from './export-ray-decode.js';
import { rayNetwork } from './export-ray-network.js';
import { rayPictures } from './export-ray-pictures.js';
import { rayRun } from './export-ray-run.js';
import {
  folderName,
  openExported,
  preparationText,
  wantNew,
  writeFolders,
  type Exported,
  type ExportOptions,
  type ExportResult,
} from './export-serving.js';
import { version } from './version.js';

/** Options of {@link exportRay}. */
export type ExportRayOptions = Omit<ExportOptions, 'name'>;

/** The whole of predict.py. */
export const rayScript = `${rayPictures}${rayDecode}${rayNetwork}${rayRun}`;

/** The oldest with all that the script calls; tried with numpy 2.4, Pillow 12.3, onnxruntime 1.30, Ray 2.58, Python 3.11. */
const requirements = `# predict.py --local needs no Ray; with GPUs, onnxruntime-gpu stands in for onnxruntime
numpy>=1.26
pillow>=10.1
onnxruntime>=1.17
ray[data]>=2.40
`;

/**
 * Writes a folder from which `python predict.py` predicts pictures with Ray Data.
 *
 * @throws EXPORT_FOLDER, EXPORT_BUNDLE; SERVE_…, BUNDLE_…, DISK_…
 * @example
 * await exportRay('run/bundle', { out: 'ray' });
 */
export async function exportRay(bundle: string, { out, force = false }: ExportRayOptions): Promise<ExportResult> {
  const exported = await openExported(bundle);
  const { manifest, model, preprocessing } = exported;
  const recipe = {
    labels: manifest.labels,
    task: manifest.task,
    preprocessing,
    model: { file: 'model.onnx', sha256: sha256(model) },
    bundle: exported.sha256,
    onnxGraft: version,
  };
  await wantNew(out, force);
  const files = new Map<string, Uint8Array | string>([
    ['model.onnx', model],
    ['recipe.json', `${JSON.stringify(recipe, null, 2)}\n`],
    ['requirements.txt', requirements],
    ['README.md', readme(folderName(bundle), exported)],
    ['predict.py', rayScript],
  ]);
  const written = await writeFolders(out, new Map([['', files]]), force);
  return { target: 'ray', name: folderName(bundle), folder: out, files: written };
}

/** Columns that the network's outputs bring beside the usual ones. */
const columns = new Map([
  ['uncertainty', '`entropy`, `mutual_information` (in nats)'],
  ['predictionSet', '`prediction_set`'],
  ['unknown', '`unknown`'],
  ['outlierScore', '`outlier_score`'],
]);

function readme(name: string, { manifest, preprocessing, outputs }: Exported): string {
  const given = new Set(outputs.map(output => output.name));
  const more = [...columns].flatMap(([output, text]) => (given.has(output) ? [text] : []));
  return `# ${name.replace(/[^A-Za-z0-9._ -]+/g, '-')}

Predicts pictures with a model of ${manifest.labels.length} labels on one machine or many, written by onnx-graft ${version}.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python predict.py --images pictures/ --out labels               # Ray on this machine
    venv/bin/python predict.py --images 'new/*.jpg' --out here --local       # without Ray

On a cluster, from its head, with pictures where every machine reaches them; \`--install\` has workers fetch what is needed:

    python predict.py --images s3://bucket/pictures --out s3://bucket/labels --address auto --install

| Flag                                    |                                                                      |
| --------------------------------------- | -------------------------------------------------------------------- |
| \`--format parquet\\|csv\\|jsonl\`          | lists are JSON in cells of csv                                       |
| \`--top N\`                               | also the N most probable labels                                      |
| \`--batch-size N\`                        | pictures a run; 16, more on GPUs                                     |
| \`--cpus-per-worker\`, \`--gpus-per-worker\` | of each process; a share of a GPU is fine                            |
| \`--concurrency N\`                       | most processes; as many as there are processors                      |
| \`--num-cpus\`, \`--object-store-mb\`       | of this machine, where no \`--address\` is given                       |

A row a picture: \`path\`, \`label\`, \`probability\`, \`probabilities\` (in the order of recipe.json's labels)${more.length > 0 ? `, ${more.join(', ')}` : ''}${manifest.task === 'multi-label' ? ', `labels`' : ''}, \`error\`.
A picture that cannot be read has an \`error\` and nothing else, and stops nothing. Rows come in any order.

## How pictures are prepared

${preparationText(preprocessing)}
Numbers are those of \`graft predict\`. Colours by an ICC profile may be a level off, and CMYK without one is converted by Pillow's
own rule.
`;
}
