package org.radialog.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options on how to read a film, and what the user knows about it. */
final class FilmOptions {
  @Spec(Target.MIXEE)
  private @Nullable CommandSpec spec;

  @Option(
      names = "--findings",
      paramLabel = "LIST",
      description = {
        "Edits of the findings: +name, -name and ?name (uncertain), separated by"
            + " commas. Names are CheXpert labels or short forms such as +effusion. With"
            + " none, the prompt of the language model contains no findings."
      })
  private @Nullable String findings;

  @Option(
      names = "--prior",
      paramLabel = "IMAGE",
      description = "An earlier film of the same patient, for models that compare films.")
  private @Nullable Path prior;

  @Option(
      names = "--force",
      description =
          "Reads the image even if it is in colour, has an unusual shape or is probably"
              + " not a chest film.")
  private boolean force;

  /**
   * The edit of the user.
   *
   * @throws ParameterException if the list is invalid: a usage error that names the most similar
   *     finding
   */
  FindingsEdit edit() {
    if (findings == null) {
      return FindingsEdit.unchanged();
    }
    try {
      return FindingsEdit.parse(findings);
    } catch (RadialogException e) {
      if (spec == null) {
        throw e;
      }
      throw new ParameterException(spec.commandLine(), "--findings: " + e.getMessage(), e);
    }
  }

  /** Whether {@code --prior} is standard input. */
  boolean priorFromStandardInput() {
    return prior != null && Radiograph.isStandardInput(prior);
  }

  Study study(Radiograph film) {
    Study study = prior == null ? Study.of(film) : Study.of(film).after(Radiograph.read(prior));
    return force ? study.forced() : study;
  }
}
