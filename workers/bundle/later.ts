// This is what a program gets at once by one `import` where it cannot be had by `require`: see `shipping/shipper`.
import { ownExports } from "./ownexports.ts";

export * as shipping from "../shipping/ship.ts";
export const exports: object = ownExports();
