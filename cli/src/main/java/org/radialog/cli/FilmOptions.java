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

/** How a film is looked at, and what the user knows about it. */
final class FilmOptions {
  @Spec(Target.MIXEE)
  private @Nullable CommandSpec spec;

  @Option(
      names = "--findings",
      paramLabel = "LIST",
      description = {
        "Your edit of the findings: +name, -name and ?name (uncertain) with commas between"
            + " (CheXpert names or short ones, for example +effusion), or none: the language model"
            + " is told no findings."
      })
  private @Nullable String findings;

  @Option(
      names = "--prior",
      paramLabel = "IMAGE",
      description = "An earlier film of the same patient, for a model that compares.")
  private @Nullable Path prior;

  @Option(
      names = "--force",
      description = "Read a picture in colour or of an odd shape all the same.")
  private boolean force;

  /**
   * The user's edit.
   *
   * @throws ParameterException if the list is not one: a usage error that names the nearest finding
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

  /** True if {@code --prior} names standard input. */
  boolean priorFromStandardInput() {
    return prior != null && Radiograph.isStandardInput(prior);
  }

  Study study(Radiograph film) {
    Study study = prior == null ? Study.of(film) : Study.of(film).after(Radiograph.read(prior));
    return force ? study.forced() : study;
  }
}
