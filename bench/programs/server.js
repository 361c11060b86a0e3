// Requests with buffers, text and objects; a part of them stays in a cache.
const rounds = Number(process.argv[2] || 40);
const cache = new Map();
let total = 0;
for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 500; i++) {
        const body = Buffer.allocUnsafeSlow(200 + (i * 37) % 9000).fill(i);
        const record = JSON.parse(JSON.stringify({ round, i, name: "x".repeat(i % 50) }));
        cache.set(`${i}`, [record, body]);
        total += body.length;
    }
}
console.log(cache.size, total);
