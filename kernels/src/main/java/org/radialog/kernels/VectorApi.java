package org.radialog.kernels;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/** The JDK's Vector API, an incubator module that a Java process has only where it asks for it. */
public final class VectorApi {
  private static final String MODULE = "jdk.incubator.vector";

  private VectorApi() {}

  /** Whether this process has it. */
  public static boolean present() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  /**
   * Refuses where this process lacks it, before a class that needs it fails to load.
   *
   * @param what needs it
   * @throws RadialogException if it is missing; the message names the flag
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
