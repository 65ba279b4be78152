/**
 * These are Node's modules that only the network and processes need. They are loaded at first use: each thread would
 * pay for them. Their types are here for who speaks of them outside of this folder.
 */

export type { FileHandle } from "node:fs/promises";
export type { AddressInfo, IpcSocketConnectOpts, Socket, TcpSocketConnectOpts } from "node:net";
export type { Readable, Writable } from "node:stream";
export type { CipherNameAndProtocol, ConnectionOptions, PeerCertificate, TLSSocket } from "node:tls";

export const childProcess = (): typeof import("node:child_process") =>
  process.getBuiltinModule("node:child_process");
export const dgram = (): typeof import("node:dgram") => process.getBuiltinModule("node:dgram");
export const dns = (): typeof import("node:dns") => process.getBuiltinModule("node:dns");
export const fs = (): typeof import("node:fs") => process.getBuiltinModule("node:fs");
export const net = (): typeof import("node:net") => process.getBuiltinModule("node:net");
export const tls = (): typeof import("node:tls") => process.getBuiltinModule("node:tls");
