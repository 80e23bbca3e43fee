import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's own tools for ACLs and users, one after the other in one process: each start of Java costs a second.
 *
 * A line of standard input is a command, its words separated by tabs: kafka-acls.sh or kafka-configs.sh, and their arguments. A
 * line of standard output is its exit code. What the tools print goes to standard error.
 */
public final class Admin {
    private static final class Exited extends RuntimeException {
        private final int code;

        private Exited(int code) {
            super(null, null, false, false);
            this.code = code;
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        Exit.setExitProcedure((code, message) -> {
            throw new Exited(code);
        });
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            answers.println(run(line.split("\t")));
        }
    }

    private static int run(String[] command) throws Exception {
        String[] arguments = new String[command.length - 1];
        System.arraycopy(command, 1, arguments, 0, arguments.length);
        try {
            switch (command[0]) {
                case "kafka-acls.sh" -> org.apache.kafka.tools.AclCommand.main(arguments);
                case "kafka-configs.sh" -> kafka.admin.ConfigCommand.main(arguments);
                default -> {
                    System.err.println(command[0] + " is not one of the tools");
                    return 2;
                }
            }
            return 0;
        } catch (Exited exited) {
            return exited.code;
        }
    }
}
