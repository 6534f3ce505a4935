package org.radialog.torch;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;
import org.radialog.base.RadialogException;

/**
 * Unpacks libtorch and its dependencies from their jars atomically, before JavaCPP looks for them.
 * JavaCPP itself writes each library in place, so that a second process that starts at the same
 * time, or after one that was killed, would load an incomplete library and abort.
 *
 * <p>The folders are those of JavaCPP ({@code org.bytedeco.javacpp.cachedir}, otherwise {@code
 * ~/.javacpp/cache}), and files have the size in the jar and the time of the entry, as JavaCPP
 * would write them. One process unpacks at a time, next to the folder, and renames it.
 */
public final class NativeLibraries {
  // One library of each jar, without the platform.
  private static final List<String> JARS =
      List.of(
          "org/bytedeco/javacpp/%s/libjnijavacpp.so",
          "org/bytedeco/openblas/%s/libjniopenblas.so", "org/bytedeco/pytorch/%s/libjnitorch.so");

  private static final String LOCK = ".radialog-natives.lock";

  /** Marks a complete folder and contains the size and time of the jar. */
  private static final String WHOLE = ".radialog-whole";

  private static final String PART = ".part";

  private static final class Loaded {
    static {
      unpack();
      // The class of the binding that is used first loads the library, which initialises other
      // classes: two threads that start with different classes would deadlock.
      torch.get_num_threads();
      Allocator.keepFreedMemory();
    }

    private Loaded() {}

    static void once() {}
  }

  private NativeLibraries() {}

  /**
   * Unpacks and loads the libraries; for a thread whose first use of them is not through this
   * package. May be called by any number of threads at once.
   */
  public static void load() {
    Loaded.once();
  }

  /**
   * Makes sure that the libraries are there, which takes seconds in the first process with a new
   * cache and a look at three small files afterwards. {@link Torch} does it by itself; a program
   * that does it before gets the clear error, instead of a class that cannot be initialised.
   *
   * @throws RadialogException if they cannot be written
   */
  public static void unpack() {
    String platform = Loader.Detector.getPlatform();
    Path cache = cache();
    for (String library : JARS) {
      String name = library.formatted(platform);
      URL found = NativeLibraries.class.getClassLoader().getResource(name);
      // Not in a jar, or file names of another system: JavaCPP handles it.
      if (found != null && found.getProtocol().equals("jar")) {
        try {
          unpack(found, cache);
        } catch (IOException e) {
          throw new RadialogException(
              "the native libraries of libtorch cannot be unpacked to "
                  + cache
                  + ": "
                  + Optional.ofNullable(e.getMessage()).orElse(e.toString())
                  + "; they need 480 MB in a writable folder: free some space, or set another"
                  + " folder (RADIALOG_CACHE for the command, the system property"
                  + " org.bytedeco.javacpp.cachedir for a program)",
              e);
        }
      }
    }
  }

  private static Path cache() {
    String named = System.getProperty("org.bytedeco.javacpp.cachedir", "");
    return named.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".javacpp", "cache")
        : Path.of(named);
  }

  private static void unpack(URL library, Path cache) throws IOException {
    JarURLConnection connection = (JarURLConnection) library.openConnection();
    connection.setUseCaches(false);
    Path jar = path(connection.getJarFileURL());
    String mark = Files.size(jar) + " " + Files.getLastModifiedTime(jar).toMillis();
    Path folder = cache.resolve(jar.getFileName().toString());
    if (isWhole(folder, mark)) {
      return;
    }
    Files.createDirectories(cache);
    try (FileChannel lock =
            FileChannel.open(
                cache.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var _ = lock.lock()) {
      if (isWhole(folder, mark)) {
        return; // another process was faster
      }
      // Nobody else is unpacking, so leftovers of a killed process can be ignored.
      sweep(cache);
      Path part = Files.createDirectory(cache.resolve("." + folder.getFileName() + PART));
      try {
        extract(jar, part);
        Files.writeString(part.resolve(WHOLE), mark);
        delete(folder);
        Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        delete(part);
      }
    }
  }

  // A URL encodes a space as %20.
  private static Path path(URL url) throws IOException {
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IOException("cannot determine the file of " + url, e);
    }
  }

  private static boolean isWhole(Path folder, String mark) throws IOException {
    Path whole = folder.resolve(WHOLE);
    return Files.exists(whole) && Files.readString(whole).equals(mark);
  }

  private static void extract(Path file, Path to) throws IOException {
    try (JarFile jar = new JarFile(file.toFile())) {
      List<JarEntry> libraries =
          jar.stream()
              .filter(entry -> entry.getName().matches("org/.*/lib[^/]*\\.so[^/]*"))
              .toList();
      for (JarEntry entry : libraries) {
        Path target = to.resolve(entry.getName()).normalize();
        if (!target.startsWith(to)) {
          throw new IOException(file + " has an entry outside its folder: " + entry.getName());
        }
        Files.createDirectories(target.getParent());
        try (InputStream in = jar.getInputStream(entry)) {
          Files.copy(in, target);
        }
        Files.setLastModifiedTime(target, FileTime.fromMillis(entry.getTime()));
      }
    }
  }

  private static void sweep(Path cache) throws IOException {
    List<Path> left;
    try (Stream<Path> files = Files.list(cache)) {
      left =
          files
              .filter(f -> f.getFileName().toString().startsWith("."))
              .filter(f -> f.getFileName().toString().endsWith(PART))
              .toList();
    }
    for (Path part : left) {
      delete(part);
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      List<Path> all;
      try (Stream<Path> files = Files.walk(folder)) {
        all = files.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path file : all) {
        Files.delete(file);
      }
    }
  }
}
