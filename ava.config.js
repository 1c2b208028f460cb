// Tests run compiled: what is tested is what ships. Those that use the optional assets have their own config.
const folder = process.env.GRAFT_DIST ?? 'dist';

export default {
  files: [`${folder}/test/**/*.test.js`, `!${folder}/test/**/*.assets.test.js`],
  timeout: '5m',
  concurrency: 2,
  workerThreads: false,
};
