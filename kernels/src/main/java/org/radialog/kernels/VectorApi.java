package org.radialog.kernels;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The Vector API of the JDK, an incubator module that a Java process has only if it requests it.
 */
public final class VectorApi {
  private static final String MODULE = "jdk.incubator.vector";

  private VectorApi() {}

  /** Whether this process has the Vector API. */
  public static boolean present() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  /**
   * Throws if this process does not have the Vector API, before the loading of a class that needs
   * it fails.
   *
   * @param what a name for the part that needs it
   * @throws RadialogException if it is missing; the message contains the flag to set
   */
  public static void require(String what) {
    if (!present()) {
      throw new RadialogException(
          Kind.UNSUPPORTED,
          what
              + " needs the Vector API of the JDK, which is not enabled in this process: start"
              + " java with --add-modules "
              + MODULE
              + ", or use the precision bf16 or fp32, which do not need it");
    }
  }
}
