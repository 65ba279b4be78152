import { hashSync, verifySync } from "@node-rs/argon2";

/** These run in threads, where being synchronous keeps nobody waiting. */
export const hashPassword = (password) => hashSync(password);
export const isPassword = (hash, password) => verifySync(hash, password);
