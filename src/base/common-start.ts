// Names of members are paths: `runs/a/members/1`, `runs/a/members/2`. What they all begin with says nothing where they
// stand below each other.

/**
 * Takes away the folders that all paths among the names begin with; a name without a folder stays as it is.
 *
 * @example
 * const short = commonStart(['/data/runs/a', '/data/runs/b with views', 'average']);
 * short('/data/runs/a'); // a
 */
export function commonStart(names: readonly string[]): (name: string) => string {
  const paths = names.filter(name => name.includes('/')).map(name => name.split('/'));
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
  return name => (start && name.startsWith(start) ? name.slice(start.length) : name.replace(` ${start}`, ' '));
}
