package org.radialog.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.radialog.base.Printable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;

/** The {@code radialog} command. */
@Command(
    name = "radialog",
    description = {
      "Reads a chest radiograph, writes a report and answers questions about it.",
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
      " 1:some input or check failed; each is named in one line on stderr",
      " 2:usage",
      " 3:cannot run (no JDK 25, build failed, model folder unreadable, results cannot be written)",
      "130:interrupted",
      "141:the reader of the output is gone"
    })
public final class Main {
  /** All inputs are done and every check passed. */
  static final int DONE = 0;

  /** Some input or check failed. */
  static final int SOME_FAILED = 1;

  /** The command line is invalid. */
  static final int USAGE = 2;

  /** The command cannot run at all. */
  static final int CANNOT_RUN = 3;

  /** The reader of the output is gone, as after {@code | head}; the exit code of SIGPIPE. */
  static final int READER_GONE = 141;

  @Option(
      names = Failure.DEBUG,
      scope = ScopeType.INHERIT,
      description = "Also prints the stack trace of an unexpected error.")
  private boolean debug;

  private Main() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    Terminal.take();
    String[] words = Arguments.whole(arguments);
    boolean debug = Arrays.asList(words).contains(Failure.DEBUG);
    // If a worker died, the others would wait for it forever.
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, failure) -> Runtime.getRuntime().halt(Failure.tell(failure, debug)));
    int code = run(words);
    System.err.flush();
    // Native worker threads of libtorch do not have to finish.
    Runtime.getRuntime().halt(code);
  }

  /** Runs the command in this process; returns its exit code. */
  public static int run(String... arguments) {
    return run(commandLine(), arguments);
  }

  static int run(CommandLine command, String... arguments) {
    // Output is for programs and for people of any language, so digits and decimal points are as in
    // ASCII.
    Locale before = Locale.getDefault(Locale.Category.FORMAT);
    Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT);
    StringWriter help = new StringWriter(); // picocli would print a stack trace if stdout fails
    try {
      int code = command.setOut(new PrintWriter(help)).execute(arguments);
      System.out.print(help);
      System.out.flush();
      return code;
    } catch (Throwable failure) { // for any failure, the user gets a line and an exit code
      Main main = command.getCommand();
      return Failure.tell(failure, main.debug);
    } finally {
      Locale.setDefault(Locale.Category.FORMAT, before);
    }
  }

  static CommandLine commandLine() {
    Main main = new Main();
    CommandLine command = new CommandLine(main);
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.registerConverter(Path.class, Main::path);
    command.registerConverter(String.class, Arguments::text);
    command.setExecutionExceptionHandler(
        (failure, failed, parsed) -> Failure.tell(failure, main.debug));
    CommandLine.IParameterExceptionHandler usage = command.getParameterExceptionHandler();
    command.setParameterExceptionHandler((failure, words) -> {
      String said = Printable.line(String.valueOf(failure.getMessage()));
      return usage.handleParseException(
          said.equals(failure.getMessage())
              ? failure
              : new ParameterException(failure.getCommandLine(), said, failure),
          words);
    });
    return command;
  }

  private static Path path(String argument) {
    try {
      return Arguments.path(argument);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(
          "\"%s\" is not a valid file name: %s"
              .formatted(Printable.of(argument), Printable.of(e.getReason())));
    }
  }

  /** The identification of this build. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        Build.line(), "For research use, not for diagnosis.",
      };
    }
  }
}
