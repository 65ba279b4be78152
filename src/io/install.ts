/** Gives the loop's methods of connections and processes what they call. */
import { installIo } from "./io.ts";
import * as methods from "./methods.ts";

installIo(methods);
