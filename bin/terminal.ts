// This is what others have made for terminals; the build puts it into this file, so that the package needs none of
// it.

export { createLogUpdate } from "log-update";
export { default as widthOf } from "string-width";
