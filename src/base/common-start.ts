// Names of members are paths: `runs/a/members/1`, `runs/a/members/2`. What they all begin with says nothing where they
// stand below each other.

/** What may stand before a path: `soup of 3 from runs/a`. */
const prefix = /^[a-z]+ of \d+ from /;

/**
 * Takes away the folders that all paths among the names begin with; a name without a folder stays as it is.
 *
 * @example
 * const short = commonStart(['/data/runs/a', '/data/runs/b with views', 'average']);
 * short('/data/runs/a'); // a
 */
export function commonStart(names: readonly string[]): (name: string) => string {
  const paths = names
    .map(name => name.replace(prefix, ''))
    .filter(name => name.includes('/'))
    .map(name => name.split('/'));
  const [first] = paths;
  if (!first || paths.length < 2) return name => name;
  let same = 0;
  while (paths.every(path => same < path.length - 1 && path[same] === first[same])) same++;
  // a number alone says too little
  if (paths.some(path => !/[a-z]/i.test(path.slice(same).join('/')))) same = Math.max(0, same - 1);
  const start = first
    .slice(0, same)
    .map(part => `${part}/`)
    .join('');
  return name => {
    const [before = ''] = prefix.exec(name) ?? [];
    const path = name.slice(before.length);
    return path.startsWith(start) ? `${before}${path.slice(start.length)}` : name;
  };
}
