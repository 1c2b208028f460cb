// Which methods a path has, for 405 with `Allow`. Fastify's router answers only whether a path and a method match together.

import type { FastifyInstance } from 'fastify';

/** Methods by templates of paths, `/v2/models/:model/infer`. */
export class PathMethods {
  private readonly templates = new Map<string, Set<string>>();

  /** Learns every route that is added to the app from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const known = this.templates.get(url) ?? new Set<string>();
      this.templates.set(url, known);
      for (const one of Array.isArray(method) ? method : [method]) if (one !== 'OPTIONS') known.add(one);
    });
  }

  /** Methods of a path as it was sent; empty where no route has it. */
  of(url: string): string[] {
    const path = url.replace(/^https?:\/\/[^/]*/i, '').replace(/\?.*$/, ''); // prettier-ignore
    const parts = path.split('/');
    const found = new Set<string>();
    for (const [template, methods] of this.templates)
      if (matches(template.split('/'), parts)) for (const method of methods) found.add(method);
    return [...found].sort();
  }
}

function matches(template: readonly string[], parts: readonly string[]): boolean {
  return (
    template.length === parts.length &&
    template.every((wanted, at) => (wanted.startsWith(':') ? parts[at] !== '' : wanted === decoded(parts[at]!)))
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
