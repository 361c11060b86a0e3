// A workload for Node.js: typed arrays, text, compression, hashes, and short-lived worker threads.
'use strict';
const crypto = require('crypto');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const zlib = require('zlib');

function generator(seed) {
  let state = seed;
  return (limit) => {
    state = (state * 48271) % 2147483647;
    return state % limit;
  };
}

// Replaces buffers of many sizes; their memory comes from malloc.
function churn(seed) {
  const number = generator(seed);
  const buffers = new Map();
  const hash = crypto.createHash('sha256');
  for (let i = 0; i < 4000; i++) {
    const buffer = new Uint8Array(1 + number(20000));
    buffer[number(buffer.length)] = number(256);
    buffers.set(number(300), buffer);
  }
  for (const key of [...buffers.keys()].sort((a, b) => a - b)) hash.update(buffers.get(key));
  return hash.digest('hex').slice(0, 16);
}

function work(seed) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seed });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function main() {
  console.log('churn', churn(1));
  const number = generator(2);
  const rows = Array.from({ length: 20000 }, (_, i) => ({ i, text: 'x'.repeat(number(50)) }));
  const text = JSON.stringify(rows);
  console.log('json', JSON.parse(text).length, text.length);
  const packed = zlib.deflateSync(text, { level: 9 });
  console.log('zlib', zlib.inflateSync(packed).toString() === text);
  console.log('workers', await Promise.all([3, 4, 5, 6].map(work)));
}

if (isMainThread) main();
else parentPort.postMessage(churn(workerData));
