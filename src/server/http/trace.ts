// W3C trace context: `traceparent: 00-<32 hex>-<16 hex>-<2 hex>`. A valid one is the parent of what happens here; any
// other is passed over, and a new trace begins.

import { randomUUID } from 'node:crypto';

/** Where a request belongs in a trace. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The caller's span, 16 digits; missing where the trace begins here. */
  readonly parentId?: string;
}

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** Never throws. */
export function traceOf(header: string | readonly string[] | undefined): Trace {
  const [, traceId = '', parentId = ''] = (typeof header === 'string' && form.exec(header)) || [];
  return /[^0]/.test(traceId) && /[^0]/.test(parentId)
    ? { traceId, parentId }
    : { traceId: randomUUID().replaceAll('-', '') };
}
