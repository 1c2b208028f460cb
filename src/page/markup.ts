// The page's document: landmarks, headings, and places that the modules fill. No script, no style and no handler is
// written into it; what is empty stays hidden until there is something to show.

const icon =
  '<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false"><path class="stem" d="M12 21.5V11"/><path class="leaf" d="M12 12.5c0-4.6-3-7.6-8.5-8 .1 5.6 3.2 8.3 8.5 8z"/><path class="leaf second" d="M12 15.5c0-4 2.6-6.6 8.5-7-.1 5-3.2 7.3-8.5 7z"/></svg>';

/** Of the page's tab in the browser. */
export const pageIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M12 21.5V11" fill="none" stroke="#2b69b0" stroke-width="2" stroke-linecap="round"/><path d="M12 12.5c0-4.6-3-7.6-8.5-8 .1 5.6 3.2 8.3 8.5 8z" fill="#2b69b0"/><path d="M12 15.5c0-4 2.6-6.6 8.5-7-.1 5-3.2 7.3-8.5 7z" fill="#74ade8"/></svg>`;

/** The whole document. @param modules that its script imports: they are fetched at once, not one after the other */
export const pageHtml = (modules: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>graft</title>
<link rel="icon" type="image/svg+xml" href="/page/icon.svg">
<link rel="stylesheet" href="/page/page.css">
${modules.map(name => `<link rel="modulepreload" href="/page/${name}.js">`).join('\n')}
<script type="module" src="/page/main.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the pictures</a>
<header class="bar-top">
  <div class="inner">
    <h1 class="brand">${icon}<span>graft</span></h1>
    <div class="choice" role="group" aria-label="Model">
      <div class="field" id="model-field" hidden><label for="model">Model</label><select id="model" autocomplete="off" disabled></select></div>
      <div class="field" id="version-field" hidden><label for="version">Version</label><select id="version" autocomplete="off"></select></div>
    </div>
    <button type="button" class="icon" id="theme" aria-pressed="false" title="Dark colours"><span class="moon" aria-hidden="true"></span><span class="spoken">Dark colours</span></button>
  </div>
</header>
<main id="main" tabindex="-1">
  <div id="notice" role="alert"></div>
  <div id="loading" class="loading" role="status"></div>
  <form id="key-form" class="panel key" hidden>
    <h2>This server asks for a key</h2>
    <label for="key">Key</label>
    <div class="key-row"><input type="password" id="key" autocomplete="off" spellcheck="false" aria-describedby="key-said key-note" required><button type="submit" class="plain strong">Use it</button></div>
    <p id="key-said" class="bad" role="alert"></p>
    <p id="key-note" class="soft small">Whoever runs the server gives them out. It is kept until this tab is closed, and sent to this server only.</p>
  </form>
  <section id="no-model" class="empty" aria-labelledby="no-model-title" hidden>
    <h2 id="no-model-title">No model is loaded yet</h2>
    <p class="soft">Train one on a folder of pictures and serve it:</p>
    <pre class="code" tabindex="0" aria-label="Two commands"><code>graft train my-pictures --backbone network.onnx --out my-run
graft serve my-run</code></pre>
    <p><button type="button" class="plain" id="look-again">Look again</button></p>
  </section>
  <div class="tabs" id="tabs" role="tablist" aria-label="Views" hidden>
    <button type="button" role="tab" id="tab-pictures" aria-controls="view-pictures" aria-selected="true">Pictures</button>
    <button type="button" role="tab" id="tab-report" aria-controls="view-report" aria-selected="false" tabindex="-1">Report</button>
    <button type="button" role="tab" id="tab-model" aria-controls="view-model" aria-selected="false" tabindex="-1">Model</button>
  </div>
  <div id="views" hidden>
    <section id="view-pictures" role="tabpanel" aria-labelledby="tab-pictures">
      <section id="no-pictures" class="empty" aria-labelledby="no-pictures-title" hidden>
        <h2 id="no-pictures-title">This model takes tensors, not pictures</h2>
        <p class="soft">Programs ask it through the Open Inference Protocol.</p>
        <button type="button" class="plain" id="to-model">Show how to ask it</button>
      </section>
      <div id="asking">
      <div id="intake" class="intake">
        <button type="button" class="drop" id="choose" aria-describedby="drop-note">
          <span class="drop-mark" aria-hidden="true"></span>
          <span class="drop-text"><strong>Choose pictures</strong><span class="dash"> – </span><span class="or">or drop or paste them here</span></span>
          <span class="soft small" id="drop-note">JPEG, PNG, WebP or GIF, up to 20 MiB each</span>
        </button>
        <button type="button" class="camera-button" id="camera-open" aria-expanded="false" aria-controls="camera" hidden><span class="lens" aria-hidden="true"></span><span class="long">Use the camera</span><span class="short">Camera</span></button>
        <input type="file" id="files" accept="image/jpeg,image/png,image/webp,image/gif" multiple hidden>
        <p id="knows" class="knows soft"></p>
        <div id="camera" class="camera" role="group" aria-label="Camera" hidden>
          <video id="camera-video" muted playsinline></video>
          <p id="camera-said" role="status"></p>
          <div class="camera-actions"><button type="button" class="plain strong" id="camera-take">Take a picture</button><button type="button" class="plain" id="camera-close">Close</button></div>
        </div>
      </div>
      <section id="results" aria-labelledby="results-title" hidden>
        <div class="results-top">
          <h2 id="results-title">Results</h2>
          <p id="count" class="soft"></p>
          <progress id="progress" max="1" value="0" aria-label="Pictures answered" hidden></progress>
          <button type="button" class="quiet" id="clear">Clear all</button>
        </div>
        <ul id="cards" class="cards"></ul>
      </section>
      </div>
    </section>
    <section id="view-report" role="tabpanel" aria-labelledby="tab-report" tabindex="0" hidden><div id="report"></div></section>
    <section id="view-model" role="tabpanel" aria-labelledby="tab-model" tabindex="0" hidden><div id="model-facts" class="model-facts"></div></section>
  </div>
  <noscript><p class="empty">This page needs JavaScript.</p></noscript>
</main>
<footer class="foot"><p class="soft small">Pictures go to this server and nowhere else. <a href="/openapi.json">Description of the API</a></p></footer>
<p id="status" class="spoken" role="status"></p>
</body>
</html>
`;
