import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The package's own folder: files that are not compiled (migrations, locales) are found from there, both from source and from dist/. */
function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json"))) folder = path.dirname(folder);
  return folder;
}

/** Where the texts are. */
export const localesFolder = (): string => path.join(packageRoot(), "commands", "locales");

/** Where the migrations are. */
export const migrationsFolder = (): string => path.join(packageRoot(), "prisma", "migrations");

/** Where the files of the page of /docs are. */
export const docsFolder = (): string => path.join(packageRoot(), "http", "docs");
