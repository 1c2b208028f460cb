// A server over TLS, with a certificate that was made for this test and is good for nothing else.

import { connect } from 'node:tls';
import { connect as connectPlain } from 'node:net';
import test from 'ava';
import { listen, makeApp } from './talk.js';

const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCZIvGBV040uChx60
KiINQv+YM1f+iSmmXfUhVon/uI2hRANCAARJc5slkovUsOdjEnXPUkEdcIwLjXDq
akJJF3JZUT/Rg3l4UfjX8b/ndC7US1e6gfWn30wpNQIxgWGY6v/3jCSe
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUHy5q0LcJOduHFjQS1uOCJHEyOr0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjAxMzcwOVoYDzIxMjYxMTAy
MDEzNzA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARJc5slkovUsOdjEnXPUkEdcIwLjXDqakJJF3JZUT/Rg3l4UfjX8b/n
dC7US1e6gfWn30wpNQIxgWGY6v/3jCSeo1MwUTAdBgNVHQ4EFgQU9b7OUwqApOTz
/Hk7aO3NEJru09UwHwYDVR0jBBgwFoAU9b7OUwqApOTz/Hk7aO3NEJru09UwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA9txoeQ6p4ajCGsjhltJO
9Yh43kYHKedPYXvbTKLIx1QCIB6//v8mFrTVzLvukzFmlNh3xeZ+x7BhZPQVjyT1
7eng
-----END CERTIFICATE-----
`;

function overTls(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
    let answer = '';
    socket.on('data', chunk => (answer += String(chunk)));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
    socket.write(text);
  });
}

test('answers, and refusals, come over TLS as they do without', async t => {
  const { app } = makeApp({ tls: { key, cert } });
  const port = await listen(app);
  t.regex(
    await overTls(port, 'GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 200 [^]*x-request-id/,
  );
  t.regex(await overTls(port, 'GET /v2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'), /^HTTP\/1\.1 400 [^]*is there twice/);
  t.regex(await overTls(port, 'BREW /v2 HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 [^]*"code":"BAD_REQUEST"/);
  // plain HTTP to this port is no answer, and no harm
  const plain = connectPlain(port, '127.0.0.1');
  plain
    .on('error', () => undefined)
    .resume()
    .write('GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise(resolve => plain.once('close', resolve));
  t.regex(await overTls(port, 'GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
  await app.close();
});

test('what is no certificate, or another key, is refused at the start', t => {
  t.throws(() => makeApp({ tls: { key, cert: 'no certificate' } }), { code: 'SERVE_TLS' } as never);
  t.throws(() => makeApp({ tls: { key: 'no key', cert } }), { code: 'SERVE_TLS' } as never);
});
