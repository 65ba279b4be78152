import { createTask, gather, run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { hashPassword, isPassword } from "./passwords.js";

await run(async () => {
  const pool = new WorkerPool({ maxQueue: 100 });
  try {
    const users = ["ada", "grace", "edsger", "barbara"];
    const hashes = await gather(users.map((user) => pool.submit(hashPassword, `${user}'s secret`)));
    const login = async (user, at) => {
      const isRight = await pool.submit(isPassword, hashes[at], `${user}'s secret`);
      const isWrong = await pool.submit(isPassword, hashes[at], "guessed");
      return `${user}: ${isRight ? "in" : "refused"}, guessed: ${isWrong ? "in" : "refused"}`;
    };
    const lines = await gather(users.map((user, at) => createTask(() => login(user, at))));
    for (const line of lines) console.log(line);
  } finally {
    await pool.close();
  }
});
