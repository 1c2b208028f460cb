// Draws what a terminal shows as an SVG that follows the reader's light or dark.
// Usage: FORCE_COLOR=1 graft … | node dist/tools/make-picture.js > docs/demo.svg

const styles: Readonly<Record<string, string>> = {
  1: 'font-weight="700"',
  2: 'class="dim"',
  32: 'class="green"',
  33: 'class="yellow"',
};
const escaped = (text: string): string =>
  text.replace(/[&<>]/g, letter => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[letter]!);

/** Lines of terminal output with the colours that `graft` uses, as one SVG. */
export function terminalPicture(text: string): string {
  const lines = text.replace(/\r/g, '').trimEnd().split('\n');
  const bare = lines.map(line => line.replace(/\u001b\[[0-9;]*[mK]/g, ''));
  const columns = Math.max(...bare.map(line => line.length));
  const [wide, high, margin] = [8.4, 19, 24];
  const rows = lines.map((line, i) => {
    let style = '';
    const spans = line.split(/(\u001b\[[0-9;]*[mK])/).flatMap(part => {
      const code = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
      if (code !== undefined) {
        style = styles[code] ?? '';
        return [];
      }
      return part ? [`<tspan ${style}>${escaped(part)}</tspan>`] : [];
    });
    return `<text x="${margin}" y="${margin + 14 + i * high}" xml:space="preserve">${spans.join('')}</text>`;
  });
  const width = Math.ceil(columns * wide + 2 * margin);
  const height = Math.ceil(lines.length * high + 2 * margin);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="graft in a terminal">
<style>
rect{fill:#fbfbfa;stroke:#d8d8d4}text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1c1c1e}
.dim{fill:#77777c}.green{fill:#1a7f37}.yellow{fill:#9a6700}
@media (prefers-color-scheme:dark){rect{fill:#16171a;stroke:#34353a}text{fill:#e6e6e3}.dim{fill:#8b8c92}.green{fill:#4cc26a}.yellow{fill:#d9a53a}}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
${rows.join('\n')}
</svg>
`;
}

if (process.argv[1]?.endsWith('make-picture.js')) {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  process.stdout.write(terminalPicture(Buffer.concat(chunks).toString('utf8')));
}
