package org.radialog.cli;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.radialog.base.RadialogException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code radialog} command. */
@Command(
    name = "radialog",
    description = {
      "Reads a chest radiograph, writes its report and talks about it.",
      "For research use, not for diagnosis."
    },
    subcommands = {
      ReportCommand.class,
      AskCommand.class,
      ChatCommand.class,
      FindingsCommand.class,
      LabelCommand.class,
      EvaluateCommand.class,
      CompareCommand.class,
      RexrankCommand.class,
      TrainCommand.class,
      DataCommand.class,
      ImportCommand.class,
      InspectCommand.class,
      VerifyCommand.class,
      BenchCommand.class,
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:done",
      " 1:some input failed or a check did not hold; each is named in one line on stderr",
      " 2:usage",
      " 3:cannot run (no JDK 25, build failed, model folder unreadable)",
      "130:interrupted"
    })
public final class Main {
  /** All inputs done, every check held. */
  static final int DONE = 0;

  /** Some input failed or a check did not hold. */
  static final int SOME_FAILED = 1;

  /** The command cannot run at all. */
  static final int CANNOT_RUN = 3;

  private Main() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    System.setErr(realStderr());
    int code = run(arguments);
    System.out.flush();
    System.err.flush();
    // Native worker threads of libtorch need not be waited for.
    Runtime.getRuntime().halt(code);
  }

  /** Runs the command in this process; returns its exit code. */
  public static int run(String... arguments) {
    return commandLine().execute(arguments);
  }

  static CommandLine commandLine() {
    CommandLine command = new CommandLine(new Main());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setExecutionExceptionHandler((failure, failed, parsed) -> {
      if (failure instanceof RadialogException) {
        System.err.println("radialog: " + failure.getMessage());
        return CANNOT_RUN;
      }
      throw failure;
    });
    return command;
  }

  // The launcher lets the JVM's own stderr pass a filter and keeps the real one as descriptor 3.
  private static PrintStream realStderr() {
    if (System.getProperty("radialog.started") == null) {
      return System.err;
    }
    try {
      return new PrintStream(new FileOutputStream("/dev/fd/3", true), true, stderrCharset());
    } catch (IOException e) {
      // For example a socket, which cannot be opened again by name: what we write then passes the
      // filter too.
      return System.err;
    }
  }

  private static Charset stderrCharset() {
    String name = System.getProperty("stderr.encoding");
    return name == null ? StandardCharsets.UTF_8 : Charset.forName(name);
  }

  /** The version of this build. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return List.of(
              "radialog " + (version == null ? "(not packaged)" : version),
              "For research use, not for diagnosis.")
          .toArray(String[]::new);
    }
  }
}
