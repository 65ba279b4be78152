/** Node's modules that only the network and processes need. They are loaded at first use: each thread would pay for them. */

export const childProcess = (): typeof import("node:child_process") =>
  process.getBuiltinModule("node:child_process");
export const dgram = (): typeof import("node:dgram") => process.getBuiltinModule("node:dgram");
export const dns = (): typeof import("node:dns") => process.getBuiltinModule("node:dns");
export const fs = (): typeof import("node:fs") => process.getBuiltinModule("node:fs");
export const net = (): typeof import("node:net") => process.getBuiltinModule("node:net");
export const tls = (): typeof import("node:tls") => process.getBuiltinModule("node:tls");
