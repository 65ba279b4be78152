// This is the file that piscina loads in each thread. Piscina requires it, and a thread that is terminated while it
// requires an ES module takes the whole process with it on Node 20: so this is CommonJS, and imports.
const worker = import("./workerthread.ts");
worker.catch(() => {}); // it is told to whoever asks for a session

module.exports = async (setup: unknown): Promise<void> => (await worker).default(setup);
