import { serve } from "../provider";
import { postgresqlProvider } from "./provider";

serve(postgresqlProvider());
