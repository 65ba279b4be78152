/** The functions that do the work of the loop's methods are found here: see `io`. */
export * from "./connections.ts";
export * from "./datagrams.ts";
export * from "./names.ts";
export * from "./pipes.ts";
export * from "./sendfile.ts";
export * from "./server.ts";
export * from "./subprocess.ts";
export * from "./tls.ts";
