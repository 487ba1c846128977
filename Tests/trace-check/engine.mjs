// Runs the trace processor that is in the folder of Perfetto's web page: engine.mjs FOLDER <requests >answers
// Requests and answers are streams of TraceProcessorRpc messages.
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

const folder = process.argv[2];

function fail(error) {
  // The first lines alone: the page's scripts are one line of a hundred kilobytes.
  console.error(String(error?.stack ?? error).slice(0, 300));
  process.exit(1);
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

// What the script expects of a web worker. A context of its own: it must not take this for Node.
const quiet = () => {};
const worker = {
  TextDecoder, TextEncoder, URL, setTimeout, clearTimeout, performance, crypto,
  console: {log: quiet, warn: quiet, error: quiet},
  location: {href: 'file:///'},
  WorkerGlobalScope: function () {},
  importScripts: quiet,
  XMLHttpRequest: class {
    open(method, url) { this.file = path.join(folder, path.basename(url)); }
    send() { this.response = new Uint8Array(fs.readFileSync(this.file)).buffer; }
  },
};
worker.self = worker;
vm.createContext(worker);
vm.runInContext(fs.readFileSync(path.join(folder, 'engine_bundle.js'), 'utf8'), worker);

// The port that the page would talk through.
const port = {postMessage: (answer) => fs.writeSync(1, Buffer.from(answer))};
worker.onmessage({data: port});
const requests = fs.readFileSync(0);
const message = vm.runInContext('(count) => new Uint8Array(count)', worker)(requests.length);
message.set(requests);
// The engine is ready when the tasks of its start are done.
setTimeout(() => port.onmessage({data: message}), 1000);
