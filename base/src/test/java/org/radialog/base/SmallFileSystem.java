package org.radialog.base;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A file system of a few bytes, where this user may mount one; the test is skipped elsewhere. */
record SmallFileSystem(Path folder) implements AutoCloseable {
  static SmallFileSystem mount(Path folder, long bytes) {
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", folder.toString()),
        "needs a Linux and a user who may mount a tmpfs");
    return new SmallFileSystem(folder);
  }

  private static boolean run(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().transferTo(OutputStream.nullOutputStream());
      return process.onExit().get(10, TimeUnit.SECONDS).exitValue() == 0;
    } catch (IOException | ExecutionException | TimeoutException e) {
      return false; // no such command, or none that ends
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    run("umount", "-l", folder.toString());
  }
}
