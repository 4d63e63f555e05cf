// A pass-through in front of the collector that writes down what came over the wire. It is the only
// place where a preflight can be seen for certain: the browser hides its own OPTIONS requests.

import http from 'node:http';
import { once } from 'node:events';

export class Recorder {
  /** `{ at, method, path, type, encoding, body, bytes }` of each request, in order of arrival. */
  requests = [];
  #server;

  static async start(t, target) {
    const recorder = new Recorder();
    recorder.#server = http.createServer((request, response) => recorder.#pass(target, request, response));
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    recorder.url = `http://127.0.0.1:${recorder.#server.address().port}`;
    t.after(() => {
      recorder.#server.closeAllConnections();
      recorder.#server.close();
    });
    return recorder;
  }

  #pass(target, request, response) {
    const entry = {
      at: Date.now(),
      method: request.method,
      path: request.url,
      type: request.headers['content-type'],
      encoding: request.headers['content-encoding'],
      body: '',
      bytes: 0,
    };
    this.requests.push(entry);
    const forwarded = http.request(target + request.url, {
      method: request.method,
      headers: request.headers,
    });
    request.on('data', (chunk) => {
      entry.body += chunk;
      entry.bytes += chunk.length;
      forwarded.write(chunk);
    });
    request.on('end', () => forwarded.end());
    forwarded.on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    // The collector being down is for the browser to see as a broken connection.
    forwarded.on('error', () => response.destroy());
    request.on('error', () => forwarded.destroy());
  }
}
