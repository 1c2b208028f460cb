// Tests over the optional assets: published networks, photographs, hostile files. They pass with a word without them.
export default {
  files: ['dist/test/**/*.assets.test.js'],
  timeout: '10m',
  concurrency: 1,
  workerThreads: false,
};
