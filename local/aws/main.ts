import { serve } from "../provider";
import { localStackDir } from "./account";
import { awsProvider } from "./provider";
import { replicator } from "./taskControl";

serve(awsProvider({ stackDir: localStackDir, control: replicator }));
