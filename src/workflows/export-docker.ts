// graft export docker: a folder from which `docker build` makes an image that serves a bundle, without rights and on a root
// that nobody writes to. Layout: <out>/{Dockerfile, .dockerignore, package.json, README.md, bundle/…}.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readChecked } from '../base/node.js';
import {
  modelName,
  openExported,
  wantNew,
  writeFolders,
  type Exported,
  type ExportOptions,
  type ExportResult,
} from './export-serving.js';
import { version } from './version.js';

/** Options of {@link exportDocker}. `name` is that of the model and of its image. */
export type ExportDockerOptions = ExportOptions;

/** Of the process in the container; also what Kubernetes is told. */
const user = 10001;

/**
 * Writes a Dockerfile with all that it copies: the bundle and the version of this package.
 *
 * @throws EXPORT_OPTION, EXPORT_FOLDER, EXPORT_BUNDLE; SERVE_…, BUNDLE_…, DISK_…
 * @example
 * await exportDocker('run/bundle', { out: 'docker', name: 'ants-and-bees' });
 */
export async function exportDocker(bundle: string, options: ExportDockerOptions): Promise<ExportResult> {
  const { out, force = false } = options;
  const name = modelName(bundle, options.name);
  const exported = await openExported(bundle);
  const manifest = `${JSON.stringify({ private: true, dependencies: { 'onnx-graft': version } }, null, 2)}\n`;
  await wantNew(out, force);
  const folders = new Map<string, ReadonlyMap<string, Uint8Array | string>>([
    ['bundle', await filesOf(exported)],
    [
      '',
      new Map([
        ['.dockerignore', ignored],
        ['package.json', manifest],
        ['README.md', readme(name, exported)],
        ['Dockerfile', dockerfile(name)],
      ]),
    ],
  ]);
  return { target: 'docker', name, folder: out, files: await writeFolders(out, folders, force) };
}

/** Files of the bundle as its manifest names them, the report that lies beside it or around it, the manifest last. */
async function filesOf({ folder, manifest }: Exported): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const record of manifest.files) files.set(record.name, await readChecked(folder, record));
  const report = await firstOf([join(folder, 'report.html'), join(folder, '../report.html')], join(folder, '../run.json')); // prettier-ignore
  if (report !== undefined && !files.has('report.html')) files.set('report.html', report);
  return files.set('manifest.json', await readFile(join(folder, 'manifest.json')));
}

/** The report of the bundle, or of the run around it. */
async function firstOf([own, around]: readonly [string, string], run: string): Promise<Uint8Array | undefined> {
  const isInRun = await stat(run).then(
    () => true,
    () => false,
  );
  for (const path of isInRun ? [own, around] : [own]) {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes) return bytes;
  }
  return undefined;
}

/** Of the folder, nothing goes to the builder but this. */
const ignored = `*
!Dockerfile
!package.json
!package-lock.json
!onnx-graft*.tgz
!bundle
`;

/** Names are of A-Z a-z 0-9 . _ - (modelName), so that nothing in it has to be quoted. */
const dockerfile = (name: string): string => `# syntax=docker/dockerfile:1
# Written by onnx-graft ${version}. README.md says how to build and run it.
ARG NODE=24

FROM node:\${NODE}-slim AS install
WORKDIR /app
# with a package-lock.json beside this file, exactly what it names; with onnx-graft-VERSION.tgz, that instead of the registry's
COPY package.json package-lock.json* onnx-graft*.tgz* ./
ENV ONNXRUNTIME_NODE_INSTALL=skip
RUN if [ -f package-lock.json ]; then npm ci --omit=dev --ignore-scripts --no-audit --no-fund; \\
    else npm install --omit=dev --ignore-scripts --no-audit --no-fund; fi

FROM node:\${NODE}-slim
ENV NODE_ENV=production
COPY --from=install /app/node_modules /app/node_modules
COPY bundle /models/${name}
WORKDIR /tmp
USER ${user}:${user}
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:8000/v2/health/live').then(a => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/node_modules/onnx-graft/dist/src/cli/graft.js", "serve", "--host", "0.0.0.0"]
CMD ["${name}=/models/${name}"]
`;

function readme(name: string, { manifest }: Exported): string {
  const tag = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || 'model'; // prettier-ignore
  const box = '--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges';
  return `# ${name}

An image that serves a model of ${manifest.labels.length} labels with onnx-graft ${version}: no shell in between, user ${user}, nothing
written but to \`/tmp\`.

    npm install --package-lock-only --ignore-scripts     # once: what is in the image is written down
    docker build -t ${tag} .

Whoever reaches an address other than this machine's needs a key, of 32 characters or more:

    echo "GRAFT_API_KEYS=$(openssl rand -hex 32)" > keys.env
    docker run --rm ${box} \\
      --user ${user} --env-file keys.env -p 8000:8000 ${tag}

    curl --data-binary @picture.jpg -H 'content-type: image/jpeg' -H "authorization: Bearer KEY" \\
      http://127.0.0.1:8000/v1/models/${name}/predict

To try it on this machine alone, without keys; what stands behind the image's name takes the place of what it serves, so that
flags of \`graft serve\` follow the model:

    docker run --rm ${box} \\
      --user ${user} -p 127.0.0.1:8000:8000 ${tag} ${name}=/models/${name} --insecure-no-auth

SIGTERM (\`docker stop -t 30\`) lets requests finish. A package that is on no registry is built in when \`onnx-graft-VERSION.tgz\`
(\`npm pack\`) lies beside the Dockerfile and package.json names it: \`"onnx-graft": "file:onnx-graft-VERSION.tgz"\`.
`;
}
