import { serve } from "../provider";
import { localStackDir } from "./account";
import { replicator } from "./taskControl";
import { awsProvider } from "./provider";

serve(awsProvider({ stackDir: localStackDir, control: replicator }));
