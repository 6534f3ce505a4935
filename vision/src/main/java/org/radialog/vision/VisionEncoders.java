package org.radialog.vision;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.ServiceLoader;
import org.radialog.base.RadialogException;

/** The kinds of image encoder that a model folder may name. */
public final class VisionEncoders {
  /** The name of {@link BioViLT} in a model folder. */
  public static final String BIOVIL_T = "biovil-t";

  private record BuiltIn(String name, Class<? extends VisionEncoder.Config> config)
      implements VisionEncoder.Kind {}

  /** The kinds of this library. */
  static final List<VisionEncoder.Kind> BUILT_IN =
      List.of(new BuiltIn(BIOVIL_T, BioViLT.Config.class));

  private VisionEncoders() {}

  /**
   * The configuration records of all kinds by name: first the kinds of this library, then those
   * found on the class path.
   *
   * @throws RadialogException if two kinds have the same name
   */
  public static SequencedMap<String, Class<? extends VisionEncoder.Config>> kinds() {
    List<VisionEncoder.Kind> all = new ArrayList<>(BUILT_IN);
    ServiceLoader.load(VisionEncoder.Kind.class, VisionEncoder.class.getClassLoader())
        .forEach(all::add);
    SequencedMap<String, Class<? extends VisionEncoder.Config>> kinds = new LinkedHashMap<>();
    for (VisionEncoder.Kind kind : all) {
      Class<?> other = kinds.putIfAbsent(kind.name(), kind.config());
      if (other != null) {
        throw new RadialogException(
            "two image encoders have the name %s: %s and %s, expected one"
                .formatted(kind.name(), other.getName(), kind.config().getName()));
      }
    }
    return Collections.unmodifiableSequencedMap(kinds);
  }
}
