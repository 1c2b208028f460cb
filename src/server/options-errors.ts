import { defineErrors, printable } from '../serving.js';

/** What a server cannot be started with. */
export const errors = defineErrors('SERVE', {
  OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: string; wanted: string }) =>
      `the option ${at.option} is ${printable(at.found)}, wanted ${at.wanted}`,
  },
  NO_MODELS: {
    kind: 'usage',
    message: () => 'there is nothing to serve',
    hint: 'Name bundles or networks, or a folder of them: graft serve run/bundle, or graft serve --repository models/.',
  },
  TLS: {
    kind: 'usage',
    message: (at: { reason: string }) => `TLS cannot be served: ${printable(at.reason)}`,
    hint: 'Give both --tls-cert and --tls-key, PEM files that belong together.',
  },
  ADDRESS: {
    kind: 'usage',
    message: (at: { address: string; reason: string }) =>
      `${printable(at.address)} cannot be listened at: ${at.reason}`,
    hint: 'Choose another with --host and --port; 0 takes a free port.',
  },
});
