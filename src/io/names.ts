/** These look up names and addresses of hosts by the system's own resolver, as `getaddrinfo` and `getnameinfo` give them. */
import type { LookupAddress } from "node:dns";
import { got } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { type AbstractEventLoop, inRootContext } from "../scheduling/events.ts";
import type { Future } from "../task/future.ts";
import { OutsideFuture } from "../task/outside.ts";
import { type AddressInfo, dns, net } from "./builtins.ts";

/** What `getaddrinfo` takes. */
export interface GetaddrinfoOptions {
  /** Which addresses: those of IPv4, of IPv6, or with 0, the default, both. */
  family?: 0 | 4 | 6;
}

const LOOKUP_OPTIONS = optionNames<GetaddrinfoOptions>({ family: true });

/** The loop's method of this name. */
export function getaddrinfo(
  loop: AbstractEventLoop,
  host: string,
  port: number,
  options: GetaddrinfoOptions,
): Future<AddressInfo[]> {
  checkOptionNames("getaddrinfo", options, LOOKUP_OPTIONS);
  return lookUpHost(loop, host, port, options);
}

/** Looks up the addresses of a host, in the order in which the system gives them. */
export function lookUpHost(
  loop: AbstractEventLoop,
  host: string,
  port: number,
  options: GetaddrinfoOptions,
): OutsideFuture<AddressInfo[]> {
  const { family = 0 } = options;
  checkHost(host, "host");
  checkPort(port, "port");
  checkFamily(family);
  const found = new OutsideFuture<AddressInfo[]>(loop);
  const settle = (error: Error | null, addresses: LookupAddress[]) => {
    if (found.done()) return;
    if (error !== null) found.setException(error);
    else found.setResult(addresses.map(({ address, family }) => ({ address, family: `IPv${family}`, port })));
  };
  inRootContext(() => dns().lookup(host, { all: true, verbatim: true, family }, settle));
  return found;
}

/** The loop's method of this name. */
export function getnameinfo(
  loop: AbstractEventLoop,
  address: string,
  port: number,
): Future<[host: string, service: string]> {
  checkHost(address, "address");
  if (net().isIP(address) === 0)
    throw new RangeError(`Expected \`address\` to be an IP address, as "127.0.0.1", got ${got(address)}`);
  checkPort(port, "port");
  const found = new OutsideFuture<[string, string]>(loop);
  inRootContext(dns().lookupService, address, port, (error, host, service) => {
    if (found.done()) return;
    if (error !== null) found.setException(error);
    else found.setResult([host, service]);
  });
  return found;
}

/** Throws unless it can be the name or address of a host. */
export function checkHost(host: unknown, name: string): void {
  const expected = `Expected \`${name}\` to be the name or address of a host`;
  if (typeof host !== "string") throw new TypeError(`${expected}, got ${got(host)}`);
  if (host === "") throw new RangeError(`${expected}, got ${got(host)}`);
}

/** Throws unless it is a port; where one connects to, 0 is none. */
export function checkPort(port: unknown, name: string, least = 0): void {
  const expected = `Expected \`${name}\` to be a port number from ${least} to 65535`;
  if (typeof port !== "number") throw new TypeError(`${expected}, got ${got(port)}`);
  if (!Number.isInteger(port) || port < least || port > 65_535)
    throw new RangeError(`${expected}, got ${got(port)}`);
}

/** Throws unless it is a family of addresses. */
export function checkFamily(family: unknown): void {
  if (family !== 0 && family !== 4 && family !== 6)
    throw new RangeError(`Expected \`family\` to be 4 or 6, or 0 for both, got ${got(family)}`);
}

/** Throws unless it can be the path of a Unix socket. */
export function checkPath(path: unknown): void {
  if (typeof path !== "string" || path === "")
    throw new TypeError(`Expected \`path\` to be the path of a socket, got ${got(path)}`);
}
