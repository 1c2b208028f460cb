// What graft export docker writes, run as a container would run it where there is no Docker: the Dockerfile's install, its
// ENTRYPOINT and CMD as PID 1 of namespaces of its own, as its USER without capabilities, on a root that is read-only but
// for an empty /tmp, without a network but loopback.
// Usage: node dist/tools/check-box.js BUNDLE PICTURE [--node FILE] [--package FILE.tgz]
// Linux, as root, with unshare, nsenter, setpriv and ip
// Prints what was tried; exit status 1 where something is not as it must be.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exportDocker, nodeRuntime, predict } from '../src/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string' }, package: { type: 'string' } },
});
const [bundle, picture] = positionals;
if (bundle === undefined || picture === undefined) throw new Error('a bundle and a picture are wanted');
const tools = ['unshare', 'nsenter', 'setpriv', 'ip', 'mount', 'chroot'];
const missing = tools.filter(name => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
if (
  process.getuid?.() !== 0 ||
  missing.length > 0 ||
  spawnSync('unshare', ['-m', '-n', '-p', '-f', 'true']).status !== 0
) {
  console.log(`not tried: it takes root and ${tools.join(', ')} (missing: ${missing.join(', ') || 'rights'})`);
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), 'graft-box-'));
const image = join(scratch, 'image');
const folder = join(scratch, 'docker');
const check = (what: string, isTrue: boolean, more = ''): void => {
  console.log(`${isTrue ? 'yes' : 'NO '}  ${what}${more === '' ? '' : `: ${more}`}`);
  if (!isTrue) process.exitCode = 1;
};

/** Instructions of the Dockerfile, the last of each kind; comments gone, lines joined. */
function instructionsOf(text: string): ReadonlyMap<string, string> {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  return new Map(lines.filter(line => line !== '').map(line => [line.split(' ')[0]!, line.replace(/^\S+\s+/, '')]));
}

/** The install stage: this package as npm packs it, everything else from the registry, by the Dockerfile's own RUN. */
function install(run: string): void {
  const app = join(image, 'app');
  mkdirSync(app, { recursive: true });
  const packed = values.package
    ? `${process.pid}.tgz`
    : execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', app, '--silent'], {
        encoding: 'utf8',
      }).trim();
  if (values.package) copyFileSync(values.package, join(app, packed));
  copyFileSync(join(folder, 'package.json'), join(app, 'package.json'));
  const manifest = readFileSync(join(app, 'package.json'), 'utf8');
  writeFileSync(join(app, 'package.json'), manifest.replace(/"onnx-graft": "[^"]*"/, `"onnx-graft": "file:${packed}"`));
  const { status, stderr } = spawnSync('sh', ['-c', run], {
    cwd: app,
    encoding: 'utf8',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (status !== 0) throw new Error(stderr);
}

/** Mounts and rights as `docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges` gives them. */
function boxScript(name: string, user: string, workdir: string): string {
  const [uid, gid] = user.split(':');
  const system = ['/usr', '/lib', '/lib64', '/bin', '/etc'];
  const node = realpathSync(values.node ?? process.execPath);
  return `set -e
root=${join(scratch, 'root')}
mkdir -p $root
mount --make-rprivate /
mount -t tmpfs -o mode=755 box $root
mkdir -p $root/app $root/models/${name} $root/tmp $root/proc $root/dev $root/node ${system.map(path => `$root${path}`).join(' ')}
for path in ${system.join(' ')}; do if [ -e $path ]; then mount --bind -o ro $path $root$path; mount -o remount,bind,ro $root$path; fi; done
mount --bind ${join(image, 'app')} $root/app; mount -o remount,bind,ro $root/app
mount --bind ${join(folder, 'bundle')} $root/models/${name}; mount -o remount,bind,ro $root/models/${name}
touch $root/node/node; mount --bind ${node} $root/node/node; mount -o remount,bind,ro $root/node/node
for device in null zero random urandom; do touch $root/dev/$device; mount --bind /dev/$device $root/dev/$device; done
mount -t proc proc $root/proc
mount -t tmpfs -o mode=1777,size=64m tmp $root/tmp
mount -o remount,ro $root
ip link set lo up
cd $root
exec env -i PATH=/node NODE_ENV=production GRAFT_API_KEYS=$KEYS /usr/sbin/chroot $root /usr/bin/setpriv \\
  --reuid ${uid} --regid ${gid ?? uid} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \\
  /usr/bin/env -C ${workdir} "$@"
`;
}

let box: ChildProcess | undefined;
try {
  const { name } = await exportDocker(bundle, { out: folder });
  const said = instructionsOf(readFileSync(join(folder, 'Dockerfile'), 'utf8'));
  install(said.get('RUN')!);
  const list = (key: string): string[] => JSON.parse(said.get(key)!.replace(/^.*CMD /, '')) as string[];
  const [user, workdir] = [said.get('USER')!, said.get('WORKDIR')!];
  const command = [...list('ENTRYPOINT'), ...list('CMD')];
  console.log(`as ${user} in ${workdir}: ${command.join(' ')}`);

  const key = 'k'.repeat(40);
  const script = join(scratch, 'box.sh');
  writeFileSync(script, boxScript(name, user, workdir));
  const started = spawn('unshare', ['-m', '-n', '-p', '-f', '--kill-child', 'sh', script, ...command], {
    env: { ...process.env, KEYS: key },
  });
  let log = '';
  box = started;
  started.stdout.on('data', (text: Buffer) => (log += text.toString()));
  started.stderr.on('data', (text: Buffer) => (log += text.toString()));
  const ended = new Promise<number | null>(done => started.on('exit', code => done(code)));
  const pid = await firstChild(started.pid!);
  /** Runs in the box's namespaces, as its user. */
  const inside = (...args: string[]) =>
    spawnSync(
      'nsenter',
      [
        '-t',
        String(pid),
        '-m',
        '-n',
        '-p',
        '-r',
        '-w',
        'setpriv',
        '--reuid',
        user.split(':')[0]!,
        '--clear-groups',
        '--bounding-set=-all',
        '--inh-caps=-all',
        ...args,
      ],
      { encoding: 'utf8', env: { PATH: '/node:/usr/bin:/bin' } },
    );
  const ask = (path: string, body?: string) => {
    const init = `{headers: {authorization: 'Bearer ${key}', 'content-type': 'image/jpeg'}${body === undefined ? '' : `, method: 'POST', body: Buffer.from('${body}', 'base64')`}}`;
    const { stdout } = inside(
      '/node/node',
      '-e',
      `fetch('http://127.0.0.1:8000${path}', ${init}).then(async a => console.log(a.status + ' ' + await a.text()), e => console.log('0 ' + e.cause))`,
    );
    return { status: Number(stdout.split(' ')[0]), text: stdout.slice(stdout.indexOf(' ') + 1) };
  };
  const until = performance.now() + 60_000;
  while (ask('/v2/health/ready').status !== 200 && performance.now() < until && started.exitCode === null)
    await new Promise(later => setTimeout(later, 250));

  const facts = readFileSync(`/proc/${pid}/status`, 'utf8');
  const executable = readlinkSync(`/proc/${pid}/exe`);
  const fact = (key: string) => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(facts)?.[1]?.split(/\s+/) ?? [];
  check('node itself is PID 1 in the box', fact('NSpid').at(-1) === '1' && executable.endsWith('/node'), executable);
  check(
    'it runs as the user of the Dockerfile',
    fact('Uid').every(id => id === user.split(':')[0]),
    `uid ${fact('Uid')[0]}, gid ${fact('Gid')[0]}`,
  );
  check(
    'it has no capabilities and gains none',
    fact('CapEff')[0] === '0000000000000000' &&
      fact('CapBnd')[0] === '0000000000000000' &&
      fact('NoNewPrivs')[0] === '1',
  );
  check('the root is read-only', inside('sh', '-c', 'touch /x || touch /app/x || touch /models/x').status !== 0);
  check('there is no network but loopback', inside('ip', '-o', 'link').stdout.trim().split('\n').length === 1);
  check(
    'the HEALTHCHECK passes',
    inside(...list('HEALTHCHECK').map(part => (part === 'node' ? '/node/node' : part))).status === 0,
  );
  const answer = ask(`/v1/models/${name}/predict`, readFileSync(picture).toString('base64'));
  const [here] = await predict(join(folder, 'bundle'), [picture], {}, nodeRuntime());
  const { predictions } = (answer.status === 200 ? JSON.parse(answer.text) : { predictions: [] }) as {
    predictions: { labels: { label: string; score: number }[] }[];
  };
  const best = predictions[0]?.labels[0];
  const isSame =
    here !== undefined &&
    'label' in here &&
    best?.label === here.label &&
    Math.abs(best.score - here.probability) < 1e-6;
  check(
    'it answers a picture as graft predict does',
    isSame,
    best ? `${best.label} ${best.score.toFixed(6)}` : answer.text.slice(0, 200),
  );
  check(
    'without a key it does not',
    inside(
      '/node/node',
      '-e',
      `fetch('http://127.0.0.1:8000/v2/models').then(a => process.exit(a.status === 401 ? 0 : 1))`,
    ).status === 0,
  );
  const left = inside('find', '/tmp', '-mindepth', '1').stdout.trim();
  check('nothing is written to /tmp either', left === '', left.split('\n').join(' '));
  const began = performance.now();
  process.kill(pid, 'SIGTERM');
  const code = await ended;
  check('SIGTERM ends it with 0', code === 0, `${code} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  if (process.exitCode === 1) console.log(log.slice(-3000));
} finally {
  box?.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}

/** The process that unshare forked. */
async function firstChild(parent: number): Promise<number> {
  for (let i = 0; i < 100; i++) {
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
    if (child) return Number(child);
    await new Promise(later => setTimeout(later, 20));
  }
  throw new Error(`unshare started nothing: ${readdirSync(resolve(scratch)).join(' ')}`);
}
