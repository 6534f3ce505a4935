package org.radialog.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportLabeler;
import org.radialog.clinical.RuleLabeler;
import org.radialog.published.CheXbertLabeler;
import picocli.CommandLine.Option;

/** The choice of the labeler for reports. */
final class LabelerOptions {
  private static final String RULES = "rules";

  @Option(
      names = "--labeler",
      paramLabel = "L",
      defaultValue = RULES,
      description = {
        "rules (the built-in labeler, the default), or for CheXbert the file"
            + " chexbert.pth with vocab.txt in the same folder, or a folder with both."
      })
  private String labeler = RULES;

  /**
   * An open labeler.
   *
   * @param name for the settings of a result
   */
  record Opened(String name, ReportLabeler labeler, Optional<CheXbertLabeler> network)
      implements AutoCloseable {
    /** The labels of reports, in their order. */
    List<Labels> label(List<String> reports) {
      return network
          .map(chexbert -> chexbert.label(reports))
          .orElseGet(() -> reports.parallelStream().map(labeler::label).toList());
    }

    @Override
    public void close() {
      network.ifPresent(CheXbertLabeler::close);
    }
  }

  /**
   * Opens the labeler.
   *
   * @throws org.radialog.base.RadialogException if the weights cannot be read
   */
  Opened open() {
    if (labeler.equals(RULES)) {
      return new Opened(RULES, new RuleLabeler(), Optional.empty());
    }
    CheXbertLabeler chexbert = CheXbertLabeler.open(Path.of(labeler));
    return new Opened("CheXbert", chexbert, Optional.of(chexbert));
  }
}
