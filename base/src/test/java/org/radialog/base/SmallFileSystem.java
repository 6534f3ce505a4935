package org.radialog.base;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A file system of a few bytes, where this user may mount one; the test is skipped elsewhere. */
record SmallFileSystem(Path folder) implements AutoCloseable {
  static SmallFileSystem mount(Path folder, long bytes) throws IOException, InterruptedException {
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", folder.toString()),
        "needs a Linux and a user who may mount a tmpfs");
    return new SmallFileSystem(folder);
  }

  private static boolean run(String... command) throws InterruptedException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false; // no such command
    }
  }

  @Override
  public void close() throws InterruptedException {
    run("umount", "-l", folder.toString());
  }
}
