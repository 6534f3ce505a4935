package org.radialog.base;

/** The notice on every output. */
public final class ResearchUse {
  /** Printed with every result. */
  public static final String NOTICE = "For research use, not for diagnosis.";

  private ResearchUse() {}
}
