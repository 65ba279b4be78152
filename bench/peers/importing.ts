// This is a process that imports one package and nothing else: importing.js SPECIFIER. Prints, as JSON, how many
// milliseconds that took.
const [specifier] = process.argv.slice(2);
const start = performance.now();
await import(specifier!);
const taken = performance.now() - start;
process.stdout.write(JSON.stringify(taken), () => process.exit());
