// Which room may import which: the table of docs/architecture.md as data. `test/house/rooms.test.ts` holds the source to it.

/** Rooms that each room may import by their doors. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  graph: ['base'],
  codec: ['base', 'graph'],
  operators: ['base', 'graph'],
  inspect: ['base', 'graph', 'operators'],
  passes: ['base', 'graph', 'operators'],
  autodiff: ['base', 'graph', 'operators', 'passes'],
  artifacts: ['base', 'graph', 'operators', 'passes', 'autodiff'],
  ensembles: ['base', 'graph', 'operators', 'passes', 'inspect'],
  pictures: ['base'],
  runtime: ['base'],
  evaluation: ['base'],
  bundle: ['base'],
  features: ['base', 'runtime', 'pictures'],
  training: ['base', 'runtime'],
  prediction: ['base', 'runtime', 'pictures', 'bundle', 'evaluation'],
  workflows: [
    'base', 'graph', 'codec', 'operators', 'inspect', 'passes', 'autodiff', 'artifacts', 'ensembles', 'pictures',
    'runtime', 'evaluation', 'bundle', 'features', 'training', 'prediction',
  ], // prettier-ignore
  cli: [],
  server: [],
  page: [],
};

/** Packages that each room may import; everything else of npm stays outside. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  base: ['pure-rand'],
  codec: ['flatbuffers'],
  pictures: ['sharp', 'csv-parse'],
  runtime: ['onnxruntime-node', 'onnxruntime-web'],
  evaluation: ['d3-scale', 'd3-shape'],
  workflows: ['yaml'],
  cli: ['commander'],
  server: ['fastify', '@fastify/cors', '@fastify/multipart', '@fastify/rate-limit', 'pino', 'prom-client'],
};

/** Files that a client sees of the others: doors of the package, and what one client is given by another. */
export const clients: Readonly<Record<string, readonly string[]>> = {
  cli: ['index', 'server/index'],
  server: ['serving', 'page/assets'],
  page: ['browser'],
};
